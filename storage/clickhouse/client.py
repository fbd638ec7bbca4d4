"""One way to reach ClickHouse, embedded or real: its HTTP interface."""

from typing import Any

import clickhouse_connect


def connect(dsn: str, database: str | None = None) -> Any:
    """A client that threads may share: it keeps no session, and it never repeats a request by itself.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse does not answer, or refuses the user.
    """
    return clickhouse_connect.get_client(
        dsn=dsn,
        database=database,
        autogenerate_session_id=False,
        query_retries=0,
        connect_timeout=5,
        send_receive_timeout=120,
    )
