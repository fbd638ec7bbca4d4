-- The newest traffic, error rates and latency of every deployment of a workspace, by window, not older than `max_age_s` seconds.
SELECT
    model,
    version,
    deployment_id,
    `window`,
    max(ts) AS evaluated,
    argMax(newest_ts, m.ts) AS newest_event,
    argMax(events, m.ts) AS events,
    argMax(requests, m.ts) AS requests,
    argMax(failed, m.ts) AS failed,
    argMax(refused, m.ts) AS refused,
    argMax(refused_requests, m.ts) AS refused_requests,
    argMax(rate, m.ts) AS rate,
    argMax(error_rate, m.ts) AS error_rate,
    argMax(client_error_rate, m.ts) AS client_error_rate,
    argMax(latency_p50_ms, m.ts) AS latency_p50_ms,
    argMax(latency_p95_ms, m.ts) AS latency_p95_ms,
    argMax(latency_p99_ms, m.ts) AS latency_p99_ms,
    argMax(baseline_p95_ms, m.ts) AS baseline_p95_ms
FROM service_metrics AS m
WHERE workspace = {workspace:String} AND m.ts >= now64(6, 'UTC') - toIntervalSecond({max_age_s:UInt32})
GROUP BY model, version, deployment_id, `window`
ORDER BY model, version DESC, deployment_id, `window`
