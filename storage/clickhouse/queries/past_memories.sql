-- What the newest evaluation of each deployment remembered, as JSON text.
SELECT
    deployment_id,
    any(memory) AS remembered
FROM service_metrics
WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
    AND memory IS NOT NULL AND (deployment_id, ts) IN
    (
        SELECT
            deployment_id,
            max(ts)
        FROM service_metrics
        WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
            AND memory IS NOT NULL
        GROUP BY deployment_id
    )
GROUP BY deployment_id
