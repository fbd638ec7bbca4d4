-- One attempt to deliver one change of an alert (stream/contracts/alerts.py).
CREATE TABLE IF NOT EXISTS notifications
(
    `notification_id` String CODEC(ZSTD),
    `alert_id` String CODEC(ZSTD),
    `change_id` String CODEC(ZSTD),
    `ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `channel` LowCardinality(String),
    `target` LowCardinality(String),
    `attempt` UInt32,
    `outcome` LowCardinality(String),
    `status` Nullable(UInt16),
    `detail` String CODEC(ZSTD),
    `elapsed_ms` Float64 CODEC(ZSTD),
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
ORDER BY (alert_id, ts)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
