"""Settings of Kafka and ClickHouse in; both reachable out, with topics, tables and passwords."""
