-- Cumulative counts (stream/contracts/panes.py): every writing of a pane is a row, and the one with the highest `as_of` holds.
CREATE TABLE IF NOT EXISTS feature_panes
(
    `workspace` LowCardinality(String),
    `model` LowCardinality(String),
    `version` UInt32,
    `deployment_id` LowCardinality(String),
    `profile_id` LowCardinality(Nullable(String)),
    `start` DateTime('UTC') CODEC(Delta, ZSTD),
    `topic_id` LowCardinality(String),
    `partition` UInt16,
    `segment` UInt64 CODEC(Delta, ZSTD),
    `as_of` UInt64 CODEC(Delta, ZSTD),
    `closed` Bool,
    `closed_at` Int64 CODEC(ZSTD),
    `closes_at` Float64 CODEC(ZSTD),
    `newest_ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `events` UInt64 CODEC(T64, ZSTD),
    `requests` UInt64 CODEC(T64, ZSTD),
    `failed` UInt64 CODEC(T64, ZSTD),
    `latency_bins` Array(UInt16) CODEC(ZSTD),
    `latency_counts` Array(UInt32) CODEC(ZSTD),
    `latency_sum_ms` Float64 CODEC(ZSTD),
    `bins` Array(UInt32) CODEC(ZSTD),
    `counts` Array(UInt32) CODEC(ZSTD),
    `sums` Array(Float64) CODEC(ZSTD),
    `sample` Nullable(String) CODEC(ZSTD),
    _topic_id LowCardinality(String),
    _partition UInt16,
    _first_offset UInt64 CODEC(Delta, ZSTD),
    _last_offset UInt64 CODEC(Delta, ZSTD),
    _landed_at DateTime('UTC') CODEC(Delta, ZSTD),
    _day Date,
    INDEX start_range `start` TYPE minmax GRANULARITY 1,
    PROJECTION position
    (
        SELECT _topic_id, _partition, max(_last_offset)
        GROUP BY _topic_id, _partition
    )
)
ENGINE = MergeTree
PARTITION BY _day
ORDER BY (workspace, model, deployment_id, start)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
