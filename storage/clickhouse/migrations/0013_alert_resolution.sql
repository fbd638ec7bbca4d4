-- Why an alert was resolved without a measurement: its deployment ended (stream/contracts/alerts.py).
ALTER TABLE alerts
    ADD COLUMN IF NOT EXISTS `resolution` Nullable(String) AFTER `newest_ts`;
