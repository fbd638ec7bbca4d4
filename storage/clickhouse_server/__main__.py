"""`python -m storage.clickhouse_server --path DIR --port N`: the embedded ClickHouse from a shell."""

import argparse
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from storage.clickhouse_server.config import ClickHouseServerConfig
from storage.clickhouse_server.listening import PortTakenError, listen

EXIT_USAGE = 2
_PASSWORDS = ("CLICKHOUSE_PASSWORD", "CLICKHOUSE_READONLY_PASSWORD")
_DEFAULTS = ClickHouseServerConfig(Path())


def arguments() -> argparse.ArgumentParser:
    """The command line; each option is a field of ClickHouseServerConfig."""
    parser = argparse.ArgumentParser(
        prog="python -m storage.clickhouse_server",
        description="Own a chDB folder and serve ClickHouse's HTTP interface from it.",
        epilog="Passwords come from the environment: CLICKHOUSE_PASSWORD and CLICKHOUSE_READONLY_PASSWORD.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    numbers: dict[str, tuple[type, str]] = {
        "max_connections": (int, "queries of full users side by side"),
        "max_readonly_connections": (int, "queries of read-only users side by side"),
        "max_waiting": (int, "requests that may wait for a connection; the next is refused"),
        "max_sessions": (int, "sessions with settings or temporary tables of their own"),
        "max_wait_s": (float, "seconds a request waits for a connection"),
        "max_body_bytes": (int, "largest request body"),
        "body_memory_bytes": (int, "a body above this size waits on disk"),
        "response_buffer_bytes": (int, "result bytes held back before the headers go out"),
        "result_spool_bytes": (int, "the same for wait_end_of_query=1"),
        "max_server_memory_bytes": (int, "memory at which queries are refused; 0: 60 %% of the machine"),
        "mark_cache_bytes": (int, "size of each engine cache"),
        "merge_threads": (int, "merges side by side"),
        "query_threads": (int, "threads of one query"),
        "idle_purge_s": (float, "seconds without a query before freed memory is given back"),
        "client_stall_s": (float, "seconds a client may neither take nor send a byte"),
        "shutdown_s": (float, "seconds running queries may go on after SIGTERM"),
    }
    parser.add_argument("--path", type=Path, required=True, help="the chDB folder")
    parser.add_argument("--port", type=int, default=_DEFAULTS.port, help="TCP port; 0 takes a free one")
    parser.add_argument("--host", default=_DEFAULTS.host, help="address to bind")
    parser.add_argument(
        "--allowed-host", dest="allowed_hosts", action="append", default=[], help="a name by which it may be asked"
    )
    parser.add_argument("--user", default=_DEFAULTS.user, help="user that may do everything")
    parser.add_argument("--readonly-user", default=_DEFAULTS.readonly_user, help="user that may only read")
    parser.add_argument(
        "--allow-external-access", action="store_true", help="allow file(), url(), remote() and the like"
    )
    parser.add_argument(
        "--without-password", action="store_true", help="start without passwords: whoever reaches the port is let in"
    )
    for name, (kind, text) in numbers.items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=kind, default=getattr(_DEFAULTS, name), help=text)
    return parser


def main(confine: Callable[[Path], None] | None = None) -> int:
    """Run the server; 0 after an orderly end; otherwise the reason is on stderr: 2 where a password is missing, 1.

    Args:
        confine: called with the folder once the port is bound and before the engine, which starts threads, is loaded.
    """
    given = vars(arguments().parse_args())
    without = given.pop("without_password")
    password, readonly_password = (os.environ.pop(variable, "") for variable in _PASSWORDS)
    if not (without or (password and readonly_password)):
        print(f"Set {' and '.join(_PASSWORDS)}, or say --without-password", file=sys.stderr)
        return EXIT_USAGE
    config = ClickHouseServerConfig(**given, password=password, readonly_password=readonly_password)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        listener = listen(config.host, config.port)
    except PortTakenError as error:
        print(error, file=sys.stderr)
        return 1
    if confine is not None:
        config.path.mkdir(parents=True, exist_ok=True)
        confine(config.path.absolute())
    return _serve(config, listener)


def _serve(config: ClickHouseServerConfig, listener: socket.socket) -> int:
    from storage.clickhouse_server.engine import FolderInUseError  # noqa: PLC0415  loads the engine
    from storage.clickhouse_server.server import serve  # noqa: PLC0415  likewise

    try:
        serve(config, listener)
    except (FolderInUseError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
