-- Instances that were answered with 4xx, among those that failed: mistakes of callers (stream/contracts/panes.py).
ALTER TABLE feature_panes
    ADD COLUMN IF NOT EXISTS `refused` UInt64 CODEC(T64, ZSTD) AFTER `failed`;
