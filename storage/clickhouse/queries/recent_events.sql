-- The newest events of a model, newest first.
SELECT
    event_id,
    request_id,
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
WHERE workspace = {workspace:String} AND model = {model:String}
ORDER BY ts DESC
LIMIT {limit:UInt32}
