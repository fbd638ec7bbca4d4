"""`tidegate clickhouse`: how to reach ClickHouse, or one query and its answer."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from shlex import quote

import httpx

from tidegate.backends.clickhouse_password import readonly_password
from tidegate.cli.context import load_settings
from tidegate.cli.exits import CliError, Exit
from tidegate.cli.output import console, print_json
from tidegate.settings import Settings

QUERY_S = 120
"""Seconds in which a query must begin to answer."""
TABLE, DOCUMENT = "PrettyCompactMonoBlock", "JSON"
"""ClickHouse's formats for people and for scripts; a FORMAT of the query's own goes before."""


@dataclass(frozen=True)
class Access:
    """Where the embedded ClickHouse is, and who may do what there."""

    url: str
    database: str
    user: str
    password: str
    readonly_user: str
    readonly_password: str
    password_file: str


def clickhouse(query: str | None, *, as_json: bool) -> None:
    settings = load_settings()
    if query is not None:
        sql = sys.stdin.read() if query == "-" else query
        _ask(settings, sql, as_json=as_json)
        return
    access = _access(settings)
    if as_json:
        print_json(asdict(access))
    else:
        _show(access)


def _access(settings: Settings) -> Access:
    """Raises CliError where ClickHouse is the user's own, or nothing was ever started."""
    if settings.clickhouse_url is not None:
        text = "TIDEGATE_CLICKHOUSE_URL names a ClickHouse of your own, with the user and password that stand there."
        raise CliError(f"{text} `tidegate clickhouse --query SQL` asks it.", Exit.USAGE)
    dsn = httpx.URL(settings.clickhouse_dsn)
    if not dsn.password:
        text = f"{settings.clickhouse_password_path} is made at the first start: start the stack with `tidegate up`."
        raise CliError(text, Exit.NOT_RUNNING)
    return Access(
        url=f"http://127.0.0.1:{settings.clickhouse_port}",
        database=settings.clickhouse_database,
        user=dsn.username,
        password=dsn.password,
        readonly_user="readonly",
        readonly_password=readonly_password(dsn.password),
        password_file=str(settings.clickhouse_password_path),
    )


def _show(access: Access) -> None:
    out = console()
    rows = {
        "url": access.url,
        "database": access.database,
        "user": f"{access.user}  reads and writes",
        "password": f"{access.password}  ({access.password_file})",
        "user ": f"{access.readonly_user}  only reads: for Grafana and the like",
        "password ": access.readonly_password,
    }
    for name, value in rows.items():
        out.print(f"  {name:<11}{value}", highlight=False, markup=False, soft_wrap=True)
    login = quote(f"{access.user}:{access.password}")
    command = f"curl -u {login} '{access.url}/?database={access.database}' --data-binary 'SHOW TABLES'"
    out.print(f"\n{command}", highlight=False, markup=False, soft_wrap=True)
    out.print("`tidegate clickhouse --query SQL` asks without any of it.", style="dim")


def _ask(settings: Settings, sql: str, *, as_json: bool) -> None:
    with _answer(settings, sql, DOCUMENT if as_json else TABLE) as answer:
        if as_json:
            text = answer.read()
            found = answer.headers.get("x-clickhouse-format") == DOCUMENT and text
            print_json(json.loads(text)["data"] if found else [])
            return
        for piece in answer.iter_bytes():
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


@contextmanager
def _answer(settings: Settings, sql: str, wanted: str) -> Iterator[httpx.Response]:
    """Raises CliError for what ClickHouse refuses, and where it does not answer."""
    url = httpx.URL(settings.clickhouse_dsn)
    login = (url.username or "default", url.password)
    asked = {"database": settings.clickhouse_database, "default_format": wanted}
    bare = url.copy_with(userinfo=b"", path="/", query=None)
    try:
        with httpx.stream("POST", bare, params=asked, content=sql.encode(), auth=login, timeout=QUERY_S) as answer:
            if not answer.is_success:
                answer.read()
                raise CliError(answer.text.strip() or f"ClickHouse answered {answer.status_code}")
            yield answer
    except httpx.ConnectError as error:
        raise _unreachable(settings) from error
    except httpx.HTTPError as error:
        raise CliError(f"ClickHouse gave no whole answer: {error or type(error).__name__}") from error


def _unreachable(settings: Settings) -> CliError:
    if settings.clickhouse_url is not None:
        return CliError("ClickHouse does not answer: correct TIDEGATE_CLICKHOUSE_URL, or start that server.")
    return CliError(f"The stack of {settings.home_path} is not running: start it with `tidegate up`.", Exit.NOT_RUNNING)
