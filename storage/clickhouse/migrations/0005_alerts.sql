-- One change of state of one alert (stream/contracts/alerts.py), and replaying a change writes it again under the same `change_id`.
CREATE TABLE IF NOT EXISTS alerts
(
    `alert_id` String CODEC(ZSTD),
    `change_id` String CODEC(ZSTD),
    `rule` LowCardinality(String),
    `state` LowCardinality(String),
    `severity` LowCardinality(String),
    `ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `since` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `workspace` LowCardinality(String),
    `model` LowCardinality(String),
    `version` UInt32,
    `deployment_id` LowCardinality(String),
    `series` LowCardinality(String),
    `window` LowCardinality(String),
    `summary` String CODEC(ZSTD),
    `value` Float64 CODEC(ZSTD),
    `threshold` Float64 CODEC(ZSTD),
    `n` UInt64,
    `p_value` Nullable(Float64) CODEC(ZSTD),
    `noise_floor` Nullable(Float64) CODEC(ZSTD),
    `channels` Array(LowCardinality(String)),
    `moved` Array(Tuple(label String, reference Float64, `window` Float64, psi Float64)) CODEC(ZSTD),
    `next_steps` Array(String) CODEC(ZSTD),
    `newest_ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
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
