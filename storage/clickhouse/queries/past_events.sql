-- Stored events of former incarnations in some panes: what a recount of them reads.
SELECT
    deployment_id,
    toUnixTimestamp64Micro(ts) AS ts_us,
    `row`,
    status,
    latency_ms,
    features,
    prediction
FROM inference_events
WHERE workspace IN {workspaces:Array(String)} AND model IN {models:Array(String)} AND deployment_id IN {ids:Array(String)}
    AND ts >= toDateTime({since:UInt32}, 'UTC') AND ts < toDateTime({until:UInt32}, 'UTC')
    AND toUnixTimestamp(ts) >= transform(deployment_id, {ids:Array(String)}, {begins:Array(UInt32)}, toUInt32(4294967295))
    AND _topic_id != {events_id:String}
    AND indexOf({ids:Array(String)}, deployment_id) * 4294967296 + intDiv(toUnixTimestamp(ts), {grain:UInt32}) * {grain:UInt32}
        IN (SELECT arrayJoin({panes:Array(UInt64)}))
