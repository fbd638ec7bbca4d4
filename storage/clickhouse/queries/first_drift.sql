-- When each series of a deployment first was in state `drift`, by window, and the latest event that this evaluation knew.
SELECT
    series,
    any(role) AS role,
    `window`,
    min(ts) AS evaluated,
    min(m.newest_ts) AS newest_event
FROM drift_metrics AS m
WHERE workspace = {workspace:String} AND model = {model:String} AND deployment_id = {deployment_id:String}
    AND state = 'drift'
GROUP BY series, `window`
ORDER BY evaluated, series, `window`
