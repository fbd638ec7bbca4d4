"""What Kafka and ClickHouse need before anything runs: started, given topics, tables and passwords."""
