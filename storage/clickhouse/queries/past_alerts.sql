-- Every alert whose newest change is `firing`, as it was written.
SELECT *
FROM
(
    SELECT
        alert_id, change_id, rule, state, severity, ts, since, workspace, model, version, deployment_id, series, `window`, summary,
        value, threshold, n, p_value, noise_floor, channels, moved, next_steps, newest_ts
    FROM alerts
    ORDER BY ts DESC, state DESC
    LIMIT 1 BY alert_id
)
WHERE state = 'firing'
ORDER BY ts, alert_id
