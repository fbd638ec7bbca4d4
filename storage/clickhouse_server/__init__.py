"""ClickHouse's HTTP requests in; answers out of the one process that owns a chDB folder.

chDB is ClickHouse's own engine inside a Python process, and one process owns a data folder. This package
puts ClickHouse's HTTP interface in front of it, so every other process (and clickhouse-connect,
clickhouse-go's HTTP mode, the JDBC driver, Grafana) speaks to it as to any ClickHouse server.

`server.serve(config)` runs it until SIGTERM (importing that module loads the engine: half a second, 250 MB);
`python -m storage.clickhouse_server --help` is the same from a shell.

What is left out of it: docs/operations.md, "Tables in ClickHouse".
"""

from storage.clickhouse_server.config import ClickHouseServerConfig

__all__ = ["ClickHouseServerConfig"]
