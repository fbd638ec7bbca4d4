-- The newest change of each of a workspace's alerts, firing or resolved, the newest first.
SELECT
    alert_id,
    argMax(state, a.ts) AS state,
    argMax(rule, a.ts) AS rule,
    argMax(severity, a.ts) AS severity,
    argMax(model, a.ts) AS model,
    argMax(version, a.ts) AS version,
    argMax(deployment_id, a.ts) AS deployment_id,
    argMax(series, a.ts) AS series,
    argMax(a.`window`, a.ts) AS in_window,
    argMax(summary, a.ts) AS summary,
    tupleElement(argMax(tuple(resolution), a.ts), 1) AS resolution,
    min(a.since) AS began,
    max(a.ts) AS changed
FROM alerts AS a
WHERE workspace = {workspace:String}
GROUP BY alert_id
ORDER BY changed DESC, alert_id
LIMIT {limit:UInt32}
