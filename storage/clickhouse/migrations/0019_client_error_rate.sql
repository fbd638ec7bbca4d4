-- Errors of callers apart from those of the model (stream/contracts/metrics.py). Before, `error_rate` was of both.
ALTER TABLE service_metrics
    ADD COLUMN IF NOT EXISTS `refused` UInt64 CODEC(T64, ZSTD) AFTER `failed`,
    ADD COLUMN IF NOT EXISTS `refused_requests` UInt64 CODEC(T64, ZSTD) AFTER `refused`,
    ADD COLUMN IF NOT EXISTS `client_error_rate` Float64 CODEC(ZSTD) AFTER `error_rate`;
