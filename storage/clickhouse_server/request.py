"""An HTTP request as ClickHouse means it: pure, from the URL and the headers to a Query."""

import base64
import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from storage.clickhouse_server.errors import (
    AUTHENTICATION_FAILED,
    INCORRECT_DATA,
    INVALID_SESSION_TIMEOUT,
    UNKNOWN_ROLE,
    UNKNOWN_SETTING,
    ClickHouseError,
)
from storage.clickhouse_server.formats import canonical_format, format_name

# Parameters that speak to the HTTP layer; what is left over is a setting of the engine.
_NAMES = """
    query database default_format query_id session_id session_timeout session_check close_session
    user password compress decompress enable_http_compression buffer_size wait_end_of_query
    quota_key role stacktrace client_protocol_version send_progress_in_http_headers
    http_headers_progress_interval_ms log_comment cancel_http_readonly_queries_on_client_close
    http_zlib_compression_level http_response_buffer_size http_wait_end_of_query http_write_exception_in_output_format
    readonly
"""
_OURS = frozenset(_NAMES.split())
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_MAX_QUERY_ID = 256
_SESSION_S = 60
"""How long a session lives after its last request, unless it says otherwise; ClickHouse's own default."""
_MAX_SESSION_S = 3600
_MAX_SESSION_ID = 256
_MOST_DIGITS = 18
"""Of a number; Python reads no more than 4,300 at all."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks; an empty password where none was given."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request before its body: the URL's parameters, the headers (small letters), its user and whether he only reads.

    `whole`: the answer goes out only when the query has ended, since its protocol has no mark for a cut answer.
    """

    method: str
    url: Mapping[str, str]
    headers: Mapping[str, str]
    readonly: bool
    user: str = "default"
    whole: bool = False


@dataclass(frozen=True, slots=True)
class WantedSession:
    """The session that a request belongs to, and how long it lives on after it."""

    session_id: str
    timeout_s: int
    must_exist: bool
    closes: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One request, without its body.

    `sql` is what the URL holds (possibly empty: then the body begins with SQL); `settings` go to the engine
    by name; `database` is empty where the request names none;
    `parameters` are the `param_*` values, in ClickHouse's TSV escaping; `protocol` is
    client_protocol_version (0 when absent); `buffer_size` is in bytes, None when not asked for.
    """

    sql: bytes
    database: str
    query_id: str
    format: str | None
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    readonly: bool
    protocol: int
    native_compress: bool
    native_decompress: bool
    http_compress: bool
    wait_end: bool
    buffer_size: int | None
    session: WantedSession | None


def parse_url(query_string: bytes) -> dict[str, str]:
    """The URL's parameters; the last of a name counts, as in ClickHouse."""
    return dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors="surrogateescape"))


def credentials(url: Mapping[str, str], headers: Mapping[str, str]) -> Credentials:
    """Who asks: X-ClickHouse-User/-Key, else basic authorization, else user and password of the URL.

    Raises ClickHouseError 516 for an authorization that cannot be read.
    """
    if "x-clickhouse-user" in headers:
        return Credentials(headers["x-clickhouse-user"], headers.get("x-clickhouse-key", ""))
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:  # binascii's own, UTF-8's, and that of letters beyond ASCII
            raise ClickHouseError(
                AUTHENTICATION_FAILED, "The Authorization header is not valid basic authorization"
            ) from None
        return Credentials(user, password)
    if scheme:
        text = f"Authorization by {scheme} is not supported: use basic, or X-ClickHouse-User and X-ClickHouse-Key"
        raise ClickHouseError(AUTHENTICATION_FAILED, text, "AUTHENTICATION_FAILED")
    return Credentials(url.get("user", "") or "default", url.get("password", ""))


def parse_query(asked: Asked, form: Mapping[str, str] | None = None, described: Collection[str] = ()) -> Query:
    """The Query of a request; `form` are the fields of a multipart body, which the URL's parameters join.

    Args:
        described: parameters that are no settings, since they describe external tables.

    Raises ClickHouseError 115 for a setting's name that is none, 117 for a value that is no number, 73 for a format
    that cannot be one, 374 for a session's timeout that is none, 511 for a role.
    """
    headers, fields = asked.headers, {**asked.url, **(form or {})}
    query_id = fields.get("query_id") or headers.get("x-clickhouse-query-id") or str(uuid.uuid4())
    if len(query_id) > _MAX_QUERY_ID or not query_id.isprintable():  # it goes into a header
        text = f"query_id must be at most {_MAX_QUERY_ID} printable characters"
        raise ClickHouseError(INCORRECT_DATA, text, "INCORRECT_DATA")
    if fields.get("role"):  # who asks for a role expects less than all rights
        text = (
            f"There is no role {fields['role'][:100]!r}: this server has the users default and readonly, and no roles"
        )
        raise ClickHouseError(UNKNOWN_ROLE, text, "UNKNOWN_ROLE")
    wanted = fields.get("default_format") or headers.get("x-clickhouse-format")
    return Query(
        sql=fields.get("query", "").encode("utf-8", "surrogateescape"),
        database=fields.get("database") or headers.get("x-clickhouse-database") or "",
        query_id=query_id,
        format=canonical_format(format_name(wanted)) if wanted else None,
        settings=_settings(fields, described),
        parameters={k[6:]: v for k, v in fields.items() if k.startswith("param_")},
        # GET never writes, in ClickHouse as here.
        readonly=asked.readonly or asked.method in ("GET", "HEAD") or _number(fields, "readonly", 0) > 0,
        protocol=_number(fields, "client_protocol_version", 0),
        native_compress=_flag(fields, "compress"),
        native_decompress=_flag(fields, "decompress"),
        http_compress=_flag(fields, "enable_http_compression"),
        wait_end=_flag(fields, "wait_end_of_query" if "wait_end_of_query" in fields else "http_wait_end_of_query"),
        buffer_size=_number(fields, "buffer_size", _number(fields, "http_response_buffer_size", 0)) or None,
        session=_session(fields),
    )


def _session(fields: Mapping[str, str]) -> WantedSession | None:
    session_id = fields.get("session_id", "")
    if not session_id:
        return None
    if len(session_id) > _MAX_SESSION_ID or not session_id.isprintable():
        text = f"session_id must be at most {_MAX_SESSION_ID} printable characters"
        raise ClickHouseError(INCORRECT_DATA, text, "INCORRECT_DATA")
    timeout = fields.get("session_timeout") or str(_SESSION_S)
    if not (timeout.isascii() and timeout.isdigit() and len(timeout) <= _MOST_DIGITS):
        text = f"Invalid session timeout: {timeout[:40]!r}"
        raise ClickHouseError(INVALID_SESSION_TIMEOUT, text, "INVALID_SESSION_TIMEOUT")
    if int(timeout) > _MAX_SESSION_S:
        text = f"Session timeout {timeout!r} is larger than max_session_timeout: {_MAX_SESSION_S}"
        raise ClickHouseError(INVALID_SESSION_TIMEOUT, text, "INVALID_SESSION_TIMEOUT")
    return WantedSession(session_id, int(timeout), _flag(fields, "session_check"), _flag(fields, "close_session"))


def _settings(fields: Mapping[str, str], described: Collection[str]) -> dict[str, str]:
    known = _OURS.union(described)
    settings = {k: v for k, v in fields.items() if k not in known and not k.startswith("param_")}
    for name in settings:
        if not _SETTING.match(name):
            raise ClickHouseError(UNKNOWN_SETTING, f"Unknown setting '{name}'", "UNKNOWN_SETTING")
    return settings


def _flag(fields: Mapping[str, str], name: str) -> bool:
    return fields.get(name, "0").lower() in ("1", "true")


def _number(fields: Mapping[str, str], name: str, absent: int) -> int:
    text = fields.get(name, "")
    if not text:
        return absent
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise ClickHouseError(INCORRECT_DATA, f"{name}={text[:40]!r} is not a number", "INCORRECT_DATA")
    return int(text)
