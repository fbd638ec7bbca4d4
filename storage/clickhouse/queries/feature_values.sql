-- The values of one feature (their text; NULL where missing) in the successful events of a deployment, oldest first.
SELECT
    ts,
    features[{feature:String}] AS value
FROM inference_events
WHERE workspace = {workspace:String} AND model = {model:String} AND deployment_id = {deployment_id:String} AND status < 400
    AND ts >= {from:DateTime64(6, 'UTC')} AND ts < {to:DateTime64(6, 'UTC')}
ORDER BY ts, event_id
LIMIT {limit:UInt32}
