-- One series in one window at one evaluation (stream/contracts/metrics.py).
CREATE TABLE IF NOT EXISTS drift_metrics
(
    `ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `workspace` LowCardinality(String),
    `model` LowCardinality(String),
    `version` UInt32,
    `deployment_id` LowCardinality(String),
    `profile_id` LowCardinality(String),
    `reference` LowCardinality(String),
    `series` LowCardinality(String),
    `role` LowCardinality(String),
    `window` LowCardinality(String),
    `window_start` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `window_end` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `newest_ts` DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    `n` UInt64 CODEC(T64, ZSTD),
    `n_eff` Float64 CODEC(ZSTD),
    `psi` Float64 CODEC(ZSTD),
    `psi_noise` Float64 CODEC(ZSTD),
    `kl` Float64 CODEC(ZSTD),
    `kl_reverse` Float64 CODEC(ZSTD),
    `js` Float64 CODEC(ZSTD),
    `hellinger` Float64 CODEC(ZSTD),
    `chi2` Float64 CODEC(ZSTD),
    `chi2_p` Float64 CODEC(ZSTD),
    `g` Float64 CODEC(ZSTD),
    `g_p` Float64 CODEC(ZSTD),
    `df` UInt32 CODEC(T64, ZSTD),
    `ks` Nullable(Float64) CODEC(ZSTD),
    `ks_p` Nullable(Float64) CODEC(ZSTD),
    `w1` Nullable(Float64) CODEC(ZSTD),
    `w1_sigma` Nullable(Float64) CODEC(ZSTD),
    `mean` Nullable(Float64) CODEC(ZSTD),
    `reference_mean` Nullable(Float64) CODEC(ZSTD),
    `missing_rate` Float64 CODEC(ZSTD),
    `missing_delta` Float64 CODEC(ZSTD),
    `unseen_rate` Float64 CODEC(ZSTD),
    `out_of_range_rate` Float64 CODEC(ZSTD),
    `state` LowCardinality(String),
    `channels` Array(LowCardinality(String)),
    `since` Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD),
    `alpha` Float64 CODEC(ZSTD),
    `moved` Array(Tuple(label String, reference Float64, `window` Float64, psi Float64)) CODEC(ZSTD),
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
ORDER BY (workspace, model, series, `window`, ts)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
