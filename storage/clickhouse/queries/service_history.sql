-- Traffic, errors and latency of a model in one window over time: every evaluation once, oldest first.
SELECT
    ts,
    deployment_id,
    any(version) AS version,
    any(rate) AS rate,
    any(error_rate) AS error_rate,
    any(client_error_rate) AS client_error_rate,
    any(latency_p50_ms) AS latency_p50_ms,
    any(latency_p95_ms) AS latency_p95_ms,
    any(latency_p99_ms) AS latency_p99_ms
FROM service_metrics
WHERE workspace = {workspace:String} AND model = {model:String} AND `window` = {window:String}
    AND ts >= {from:DateTime64(6, 'UTC')} AND ts < {to:DateTime64(6, 'UTC')}
GROUP BY ts, deployment_id
ORDER BY ts, deployment_id
