"""ClickHouse (embedded server, migrations, queries, sink), the registry and the artifacts."""
