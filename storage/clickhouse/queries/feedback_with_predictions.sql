-- The labels of a model that arrived in a time span, beside what was predicted.
SELECT
    f.event_id AS event_id,
    f.ts AS labelled,
    f.label AS label,
    e.prediction AS prediction,
    e.version AS version
FROM inference_feedback AS f
INNER JOIN inference_events AS e ON e.event_id = f.event_id AND e.workspace = f.workspace AND e.model = f.model
WHERE f.workspace = {workspace:String} AND f.model = {model:String}
    AND f.ts >= {from:DateTime64(6, 'UTC')} AND f.ts < {to:DateTime64(6, 'UTC')}
ORDER BY labelled, event_id
LIMIT 1 BY event_id
