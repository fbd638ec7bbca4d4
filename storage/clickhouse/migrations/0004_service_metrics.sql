-- Traffic, errors and latency of one deployment in one window at one evaluation (stream/contracts/metrics.py).
CREATE TABLE IF NOT EXISTS service_metrics
(
    `ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `workspace` LowCardinality(String),
    `model` LowCardinality(String),
    `version` UInt32,
    `deployment_id` LowCardinality(String),
    `window` LowCardinality(String),
    `window_start` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `window_end` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `newest_ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `events` UInt64 CODEC(T64, ZSTD),
    `requests` UInt64 CODEC(T64, ZSTD),
    `failed` UInt64 CODEC(T64, ZSTD),
    `rate` Float64 CODEC(ZSTD),
    `error_rate` Float64 CODEC(ZSTD),
    `latency_mean_ms` Float64 CODEC(ZSTD),
    `latency_p50_ms` Float64 CODEC(ZSTD),
    `latency_p95_ms` Float64 CODEC(ZSTD),
    `latency_p99_ms` Float64 CODEC(ZSTD),
    `baseline_p95_ms` Nullable(Float64) CODEC(ZSTD),
    _topic_id LowCardinality(String),
    _partition UInt16,
    _first_offset UInt64 CODEC(Delta, ZSTD),
    _last_offset UInt64 CODEC(Delta, ZSTD),
    _landed_at DateTime('UTC') CODEC(Delta, ZSTD),
    _day Date,
    INDEX ts_range `ts` TYPE minmax GRANULARITY 1,
    PROJECTION position
    (
        SELECT _topic_id, _partition, max(_last_offset)
        GROUP BY _topic_id, _partition
    )
)
ENGINE = MergeTree
PARTITION BY _day
ORDER BY (workspace, model, `window`, ts)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
