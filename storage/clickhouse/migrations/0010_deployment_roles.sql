-- Who a deployment answers for, from then on (stream/contracts/deployments.py).
ALTER TABLE deployments
    ADD COLUMN IF NOT EXISTS `role` LowCardinality(String) DEFAULT 'primary' AFTER `action`,
    ADD COLUMN IF NOT EXISTS `weight` Float64 DEFAULT 1 AFTER `role`,
    ADD COLUMN IF NOT EXISTS `branch` LowCardinality(Nullable(String)) AFTER `weight`;
