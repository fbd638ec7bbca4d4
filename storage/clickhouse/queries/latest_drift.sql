-- The newest evaluation of every series and window of a model's deployments, not older than `max_age_s` seconds.
SELECT
    deployment_id,
    version,
    series,
    role,
    `window`,
    max(ts) AS evaluated,
    argMax(newest_ts, m.ts) AS newest_event,
    argMax(n, m.ts) AS rows_seen,
    argMax(psi, m.ts) AS psi,
    argMax(psi_noise, m.ts) AS psi_noise,
    argMax(state, m.ts) AS state,
    argMax(channels, m.ts) AS channels,
    argMax(m.since, m.ts) AS since,
    argMax(reference, m.ts) AS reference,
    argMax(mean, m.ts) AS mean,
    argMax(reference_mean, m.ts) AS reference_mean,
    argMax(missing_rate, m.ts) AS missing_rate,
    argMax(moved, m.ts) AS moved
FROM drift_metrics AS m
WHERE workspace = {workspace:String} AND model = {model:String}
    AND m.ts >= now64(6, 'UTC') - toIntervalSecond({max_age_s:UInt32})
GROUP BY deployment_id, version, series, role, `window`
ORDER BY version DESC, deployment_id, `window`, series
