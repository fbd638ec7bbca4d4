-- Histograms of former incarnations against the profiles that count now, summed into slots of `size` seconds; without some panes.
WITH
    -- Panes that were not closed yet, and those whose end came twice.
    other AS
    (
        SELECT
            deployment_id,
            start,
            topic_id,
            partition,
            segment
        FROM feature_panes
        WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
            AND start >= toDateTime({since:UInt32}, 'UTC') AND start < toDateTime({until:UInt32}, 'UTC')
            AND topic_id != {events_id:String} AND _topic_id != {panes_id:String}
        GROUP BY deployment_id, start, topic_id, partition, segment
        HAVING countIf(closed) != 1
    )
SELECT
    {ids:Array(String)}[number] AS deployment_id,
    slot,
    groupArray(bin) AS bins,
    groupArray(n) AS counts,
    groupArray(added) AS sums
FROM
(
    -- Numbers alone: with names among the keys this takes ten times as long.
    SELECT
        number,
        intDiv(pane, {size:UInt32}) * {size:UInt32} AS slot,
        bin,
        sum(toUInt64(bin_count)) AS n,
        sum(bin_sum) AS added
    FROM
    (
        SELECT
            toUInt32(indexOf({ids:Array(String)}, deployment_id)) AS number,
            toUnixTimestamp(start) AS pane,
            _final_bins AS pane_bins,
            _final_counts AS pane_counts,
            _final_sums AS pane_sums
        FROM feature_panes
        WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
            AND start >= toDateTime({since:UInt32}, 'UTC') AND start < toDateTime({until:UInt32}, 'UTC') AND closed
            AND profile_id = transform(deployment_id, {ids:Array(String)}, {profiles:Array(String)}, '')
            AND (deployment_id, start, topic_id, partition, segment) NOT IN other
            AND toUnixTimestamp(start) >= transform(deployment_id, {ids:Array(String)}, {begins:Array(UInt32)}, toUInt32(4294967295))
            AND topic_id != {events_id:String} AND _topic_id != {panes_id:String}
            AND indexOf({ids:Array(String)}, deployment_id) * 4294967296 + intDiv(toUnixTimestamp(start), {grain:UInt32}) * {grain:UInt32}
                NOT IN (SELECT arrayJoin({without:Array(UInt64)}))
        UNION ALL
        SELECT
            toUInt32(indexOf({ids:Array(String)}, deployment_id)) AS number,
            toUnixTimestamp(start) AS pane,
            argMax(bins, as_of) AS pane_bins,
            argMax(counts, as_of) AS pane_counts,
            argMax(sums, as_of) AS pane_sums
        FROM feature_panes
        WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
            AND start >= toDateTime({since:UInt32}, 'UTC') AND start < toDateTime({until:UInt32}, 'UTC')
            AND profile_id = transform(deployment_id, {ids:Array(String)}, {profiles:Array(String)}, '')
            AND (deployment_id, start, topic_id, partition, segment) IN other
            AND toUnixTimestamp(start) >= transform(deployment_id, {ids:Array(String)}, {begins:Array(UInt32)}, toUInt32(4294967295))
            AND topic_id != {events_id:String} AND _topic_id != {panes_id:String}
            AND indexOf({ids:Array(String)}, deployment_id) * 4294967296 + intDiv(toUnixTimestamp(start), {grain:UInt32}) * {grain:UInt32}
                NOT IN (SELECT arrayJoin({without:Array(UInt64)}))
        GROUP BY deployment_id, start, topic_id, partition, segment
    )
    ARRAY JOIN
        pane_bins AS bin,
        pane_counts AS bin_count,
        pane_sums AS bin_sum
    GROUP BY number, slot, bin
    ORDER BY number, slot, bin
)
GROUP BY number, slot
ORDER BY number, slot
