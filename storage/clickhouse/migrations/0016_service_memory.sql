-- What the evaluation remembers for the next one, as JSON (stream/contracts/metrics.py): with it windows go on after a restart.
ALTER TABLE service_metrics
    ADD COLUMN IF NOT EXISTS `memory` Nullable(String) CODEC(ZSTD) AFTER `deployment_role`;
