-- Panes of former incarnations whose count is not that of the stored events: deployment and start.
SELECT DISTINCT
    deployment_id,
    pane
FROM
(
    SELECT
        deployment_id,
        pane,
        toInt64(count()) AS n,
        _topic_id AS incarnation,
        _partition AS source
    FROM inference_events
    WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
        AND ts >= toDateTime({since:UInt32}, 'UTC') AND ts < toDateTime({until:UInt32}, 'UTC')
        AND _topic_id != {events_id:String}
    GROUP BY deployment_id, intDiv(toUnixTimestamp(ts), 10) * 10 AS pane, incarnation, source
    UNION ALL
    SELECT
        deployment_id,
        pane,
        -toInt64(sum(counted)) AS n,
        incarnation,
        source
    FROM
    (
        SELECT
            deployment_id,
            toUnixTimestamp(start) AS pane,
            topic_id AS incarnation,
            partition AS source,
            argMax(events, as_of) AS counted
        FROM feature_panes
        WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
            AND start >= toDateTime({since:UInt32}, 'UTC') AND start < toDateTime({until:UInt32}, 'UTC')
            AND topic_id != {events_id:String} AND _topic_id != {panes_id:String}
        GROUP BY deployment_id, start, topic_id, partition, segment
    )
    GROUP BY deployment_id, pane, incarnation, source
)
WHERE pane >= transform(deployment_id, {ids:Array(String)}, {begins:Array(UInt32)}, toUInt32(4294967295))
GROUP BY deployment_id, pane, incarnation, source
HAVING sum(n) != 0
ORDER BY deployment_id, pane
