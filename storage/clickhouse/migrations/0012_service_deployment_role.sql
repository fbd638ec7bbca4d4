-- What the deployment was when it was evaluated (stream/contracts/metrics.py).
ALTER TABLE service_metrics
    ADD COLUMN IF NOT EXISTS `deployment_role` LowCardinality(String) DEFAULT 'primary' AFTER `baseline_p95_ms`;
