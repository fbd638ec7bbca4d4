-- Traffic of former incarnations, summed into slots of `size` seconds, by deployment and profile; without some panes.
SELECT
    deployment_id,
    profile,
    intDiv(pane, {size:UInt32}) * {size:UInt32} AS slot,
    sum(pane_events) AS events,
    sum(pane_requests) AS requests,
    sum(pane_failed) AS failed,
    sum(pane_refused) AS refused,
    sum(pane_latency) AS latency_sum_ms,
    toUnixTimestamp64Micro(max(pane_newest)) AS newest_us,
    sumMap(slow, slow_counts) AS latency
FROM
(
    SELECT
        deployment_id,
        any(profile_id) AS profile,
        toUnixTimestamp(start) AS pane,
        argMax(events, as_of) AS pane_events,
        argMax(requests, as_of) AS pane_requests,
        argMax(failed, as_of) AS pane_failed,
        argMax(refused, as_of) AS pane_refused,
        argMax(latency_sum_ms, as_of) AS pane_latency,
        argMax(newest_ts, as_of) AS pane_newest,
        argMax(latency_bins, as_of) AS slow,
        argMax(arrayMap(n -> toUInt64(n), latency_counts), as_of) AS slow_counts
    FROM feature_panes
    WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
        AND start >= toDateTime({since:UInt32}, 'UTC') AND start < toDateTime({until:UInt32}, 'UTC')
        AND toUnixTimestamp(start) >= transform(deployment_id, {ids:Array(String)}, {begins:Array(UInt32)}, toUInt32(4294967295))
        AND topic_id != {events_id:String} AND _topic_id != {panes_id:String}
        AND indexOf({ids:Array(String)}, deployment_id) * 4294967296 + intDiv(toUnixTimestamp(start), {grain:UInt32}) * {grain:UInt32}
            NOT IN (SELECT arrayJoin({without:Array(UInt64)}))
    GROUP BY deployment_id, start, topic_id, partition, segment
)
GROUP BY deployment_id, profile, slot
ORDER BY deployment_id, slot, newest_us
