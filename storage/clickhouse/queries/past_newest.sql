-- Start of the newest pane that former incarnations of the topics counted, of each deployment.
SELECT
    deployment_id,
    toUnixTimestamp(max(p.start)) AS newest
FROM feature_panes AS p
WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
    AND topic_id != {events_id:String} AND _topic_id != {panes_id:String}
GROUP BY deployment_id
