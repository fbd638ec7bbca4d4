-- The newest changes of a model's alerts, each once, newest first.
SELECT
    change_id,
    alert_id,
    rule,
    state,
    severity,
    ts,
    since,
    version,
    deployment_id,
    series,
    `window`,
    summary,
    value,
    threshold,
    n,
    p_value,
    noise_floor,
    channels,
    moved,
    next_steps,
    newest_ts,
    resolution
FROM alerts
WHERE workspace = {workspace:String} AND model = {model:String}
ORDER BY ts DESC, change_id
LIMIT 1 BY change_id
LIMIT {limit:UInt32}
