-- Rows that panes of former incarnations carry for a reference that is to be learned, as JSON text, the oldest pane first.
SELECT
    deployment_id,
    argMax(sample, as_of) AS rows_text
FROM feature_panes
WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
    AND sample IS NOT NULL AND topic_id != {events_id:String} AND _topic_id != {panes_id:String}
GROUP BY deployment_id, start, topic_id, partition, segment
ORDER BY deployment_id, start, topic_id, partition, segment
