-- Time (seconds since the epoch) of the newest stored event of former incarnations, of each deployment, from `since` on.
SELECT
    deployment_id,
    toUnixTimestamp(max(e.ts)) AS newest
FROM inference_events AS e
WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
    AND e.ts >= toDateTime({since:UInt32}, 'UTC') AND _topic_id != {events_id:String}
GROUP BY deployment_id
