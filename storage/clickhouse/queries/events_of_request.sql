-- The events of one request of a model, in its order. `around` is when it was made, to a minute.
SELECT
    event_id,
    row,
    ts,
    version,
    deployment_id,
    role,
    status,
    error,
    latency_ms,
    model_ms,
    features,
    prediction
FROM inference_events
WHERE workspace = {workspace:String} AND model = {model:String} AND request_id = {request_id:String}
    AND ts >= {around:DateTime64(6, 'UTC')} - toIntervalSecond(60)
    AND ts <= {around:DateTime64(6, 'UTC')} + toIntervalSecond(60)
ORDER BY row, role
