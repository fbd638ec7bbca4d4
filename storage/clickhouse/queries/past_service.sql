-- The last `seconds` of a window's service metrics, of some deployments, as they were written.
SELECT
    ts, workspace, model, version, deployment_id, `window`, window_start, window_end, newest_ts, events, requests, failed, rate,
    error_rate, latency_mean_ms, latency_p50_ms, latency_p95_ms, latency_p99_ms, baseline_p95_ms, deployment_role,
    refused, refused_requests, client_error_rate
FROM service_metrics
WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
    AND `window` = {window:String} AND ts >=
    (
        SELECT max(ts) - toIntervalSecond({seconds:UInt32})
        FROM service_metrics
        WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
    )
ORDER BY window_end, ts
