-- Why a deployment ended (stream/contracts/deployments.py).
ALTER TABLE deployments
    ADD COLUMN IF NOT EXISTS `reason` Nullable(String) CODEC(ZSTD) AFTER `features`;
