-- Alerts of a workspace whose newest change is `firing`, the longest first.
SELECT
    alert_id,
    argMax(rule, a.ts) AS rule,
    argMax(severity, a.ts) AS severity,
    argMax(model, a.ts) AS model,
    argMax(version, a.ts) AS version,
    argMax(deployment_id, a.ts) AS deployment_id,
    argMax(series, a.ts) AS series,
    argMax(a.`window`, a.ts) AS in_window,
    argMax(summary, a.ts) AS summary,
    min(a.since) AS began,
    max(a.ts) AS changed
FROM alerts AS a
WHERE workspace = {workspace:String}
GROUP BY alert_id
HAVING argMax(state, a.ts) = 'firing'
ORDER BY began, alert_id
