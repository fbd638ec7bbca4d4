-- How long the events of the last `max_age_s` seconds took from the gateway into this table, in seconds (to one second: when a batch landed is kept so).
SELECT
    count() AS events,
    quantile(0.5)(greatest(0, toFloat64(_landed_at) - toFloat64(ts))) AS p50_s,
    quantile(0.99)(greatest(0, toFloat64(_landed_at) - toFloat64(ts))) AS p99_s,
    max(ts) AS newest
FROM inference_events
WHERE _landed_at >= now('UTC') - toIntervalSecond({max_age_s:UInt32})
