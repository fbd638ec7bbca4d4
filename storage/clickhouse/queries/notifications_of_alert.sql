-- Every attempt to deliver an alert, each once, oldest first.
SELECT
    notification_id,
    change_id,
    ts,
    channel,
    target,
    attempt,
    outcome,
    status,
    detail,
    elapsed_ms
FROM notifications
WHERE alert_id = {alert_id:String}
ORDER BY ts, attempt
LIMIT 1 BY notification_id
