-- How many rows the reference has that a window was compared with (stream/contracts/metrics.py).
ALTER TABLE drift_metrics
    ADD COLUMN IF NOT EXISTS `reference_rows` UInt64 AFTER `reference`;
