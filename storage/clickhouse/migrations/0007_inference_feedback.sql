-- Labels that arrive after the prediction, by the event that they belong to.
CREATE TABLE IF NOT EXISTS inference_feedback
(
    `event_id` String CODEC(ZSTD),
    `ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `workspace` LowCardinality(String),
    `model` LowCardinality(String),
    `label` String CODEC(ZSTD),
    `source` LowCardinality(String),
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
