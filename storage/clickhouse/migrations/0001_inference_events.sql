-- One row per predicted instance (gateway/events.py). Numbers, lists and objects among the features are their JSON text,
-- strings stand without quotes. The sink's own columns begin with an underscore: storage/sink/position.py says what they are for.
CREATE TABLE IF NOT EXISTS inference_events
(
    `event_id` String CODEC(ZSTD),
    `request_id` String CODEC(ZSTD),
    `row` UInt32 CODEC(T64, ZSTD),
    `ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `workspace` LowCardinality(String),
    `model` LowCardinality(String),
    `version` UInt32,
    `deployment_id` LowCardinality(String),
    `role` LowCardinality(String),
    `status` UInt16 CODEC(T64, ZSTD),
    `error` LowCardinality(Nullable(String)),
    `latency_ms` Float64 CODEC(ZSTD),
    `model_ms` Nullable(Float64) CODEC(ZSTD),
    `batch_size` UInt32 CODEC(T64, ZSTD),
    `features` Map(String, Nullable(String)) CODEC(ZSTD),
    `prediction` String CODEC(ZSTD),
    `key_id` LowCardinality(Nullable(String)),
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
ORDER BY (workspace, model, ts)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
