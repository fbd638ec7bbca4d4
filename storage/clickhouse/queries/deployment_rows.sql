-- Features (their text) and prediction (JSON, but a text as it is) of the successful events of a deployment: what a recount of its histograms reads.
SELECT
    features,
    prediction
FROM inference_events
WHERE workspace = {workspace:String} AND model = {model:String} AND deployment_id = {deployment_id:String} AND status < 400
ORDER BY ts, event_id
LIMIT {limit:UInt32}
