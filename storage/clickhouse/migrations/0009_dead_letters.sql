-- What could not be read, and why (stream/contracts/dead_letters.py). A reader that starts again may write a letter again:
-- (topic, partition, offset, line, reader) is its identity.
CREATE TABLE IF NOT EXISTS dead_letters
(
    `ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `topic` LowCardinality(String),
    `partition` UInt16,
    `offset` UInt64 CODEC(Delta, ZSTD),
    `line` Int32 CODEC(T64, ZSTD),
    `reason` LowCardinality(String),
    `detail` String CODEC(ZSTD),
    `size` UInt64 CODEC(T64, ZSTD),
    `head` String CODEC(ZSTD),
    `reader` LowCardinality(String),
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
ORDER BY (topic, reason, ts)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
