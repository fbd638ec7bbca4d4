-- What went live, with the profile that its traffic is measured against as JSON text (stream/contracts/deployments.py).
CREATE TABLE IF NOT EXISTS deployments
(
    `deployment_id` LowCardinality(String),
    `workspace` LowCardinality(String),
    `model` LowCardinality(String),
    `version` UInt32,
    `ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `action` LowCardinality(String),
    `profile` Nullable(String) CODEC(ZSTD),
    `profile_id` LowCardinality(Nullable(String)),
    `baseline_rows` UInt32,
    `psi_threshold` Float64,
    `features` Array(String) CODEC(ZSTD),
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
ORDER BY (workspace, model, deployment_id, ts)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
