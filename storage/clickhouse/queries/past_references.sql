-- The newest profile that was announced of some deployments, as JSON text: of those that learned one, it stands nowhere else.
SELECT
    deployment_id,
    argMax(profile, d.ts) AS profile,
    argMax(profile_id, d.ts) AS profile_id
FROM deployments AS d
WHERE deployment_id IN {ids:Array(String)} AND d.profile IS NOT NULL AND d.profile_id IS NOT NULL
GROUP BY deployment_id
