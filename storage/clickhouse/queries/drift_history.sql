-- One series of a model in one window over time: every evaluation once, oldest first.
SELECT
    ts,
    deployment_id,
    any(version) AS version,
    any(n) AS rows_seen,
    any(psi) AS psi,
    any(psi_noise) AS psi_noise,
    any(state) AS state
FROM drift_metrics
WHERE workspace = {workspace:String} AND model = {model:String}
    AND series = {series:String} AND `window` = {window:String}
    AND ts >= {from:DateTime64(6, 'UTC')} AND ts < {to:DateTime64(6, 'UTC')}
GROUP BY ts, deployment_id
ORDER BY ts, deployment_id
