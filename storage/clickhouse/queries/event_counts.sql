-- Rows and distinct events of each deployment of a model: what histograms are compared with, and what a duplicate shows in.
SELECT
    deployment_id,
    count() AS events,
    uniqExact(event_id) AS distinct_events,
    countIf(status >= 400) AS failed,
    countIf(status >= 400 AND status < 500) AS refused,
    min(ts) AS oldest,
    max(ts) AS newest
FROM inference_events
WHERE workspace = {workspace:String} AND model = {model:String}
GROUP BY deployment_id
ORDER BY deployment_id
