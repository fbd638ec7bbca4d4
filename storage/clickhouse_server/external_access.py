"""Which SQL reaches outside the database: files of this machine, other servers, programs.

The engine's own rights (`rights.py`) refuse nearly all of it, and the sandbox of the process what is left. This looks
at the words of the statement: it answers sooner, says what to do, and knows the few functions that no right covers.
"""

from storage.clickhouse_server.errors import ACCESS_DENIED, ClickHouseError
from storage.clickhouse_server.sql_text import Kind, Token

_NAMES = """
    file filecluster url urlcluster s3 s3cluster s3queue gcs oss hdfs hdfscluster azureblobstorage
    azureblobstoragecluster azurequeue executable executablepool python remote remotesecure cluster
    clusterallreplicas mysql postgresql materializedpostgresql mongodb redis sqlite odbc jdbc
    iceberg icebergs3 iceberglocal icebergazure iceberghdfs icebergcluster icebergs3cluster
    deltalake deltalakecluster deltalakelocal deltalakes3 deltalakeazure hudi hudicluster paimon
    paimonlocal paimons3 ytsaurus arrowflight kafka rabbitmq nats filelog http filesystem library
    disk
"""
_FUNCTIONS = frozenset(_NAMES.split())
_NAMES_A_TABLE = ("FROM", "JOIN", "INTO", "TABLE", "DESCRIBE", "DESC", "IN", "EXISTS")
_ENDS_FROM = ("WHERE", "PREWHERE", "GROUP", "ORDER", "LIMIT", "HAVING", "UNION", "SETTINGS", "FORMAT", "SELECT")


def refuse_external_access(found: tuple[Token, ...]) -> None:
    """Raise ClickHouseError 497 when a statement of these tokens would read or write outside the database."""
    if found[0].is_word("BACKUP", "RESTORE"):
        _refuse(found[0])
    if _makes_dictionary(found):
        text = (
            "Dictionaries cannot be made in this server, whatever their source, since it may be a file, a program or "
            "another server: use a table with ENGINE = Join and joinGet, or a JOIN (a server of its own may have "
            "--allow-external-access)"
        )
        raise ClickHouseError(ACCESS_DENIED, text, "ACCESS_DENIED")
    in_from: set[int] = set()  # depths at which a FROM clause is open
    before: Token | None = None
    for index, token in enumerate(found):
        follower = found[index + 1] if index + 1 < len(found) else None
        if _calls_outside(before, token, follower) or (before and _is_path_as_table(before, token, in_from)):
            _refuse(token)
        if token.is_word("FROM"):
            in_from.add(token.depth)
        elif token.is_word(*_ENDS_FROM):
            in_from.discard(token.depth)
        before = token


def _makes_dictionary(found: tuple[Token, ...]) -> bool:
    if not found[0].is_word("CREATE", "ATTACH", "REPLACE"):
        return False
    what = next((token for token in found[1:] if not token.is_word("OR", "REPLACE")), found[0])
    return what.is_word("DICTIONARY")


def _calls_outside(before: Token | None, token: Token, follower: Token | None) -> bool:
    """A name of an outside function or engine and its bracket; `INSERT INTO kafka (a)` is a table's columns."""
    if follower is None or not follower.is_punct(b"("):
        return False
    if token.kind not in (Kind.WORD, Kind.QUOTED) or token.name not in _FUNCTIONS:
        return False
    return before is None or not (before.is_word("INTO", "TABLE", "EXISTS", "VIEW") or before.is_punct(b"."))


def _is_path_as_table(before: Token, token: Token, in_from: set[int]) -> bool:
    """A quoted file name where a table's name goes: the engine would open the file."""
    at_table = before.is_word(*_NAMES_A_TABLE) or (before.is_punct(b",") and token.depth in in_from)
    if token.kind is Kind.STRING:
        return at_table and not before.is_word("IN")
    if token.kind is not Kind.QUOTED or "/" not in token.name:
        return False
    return at_table or before.is_punct(b".") or token.name.startswith(("/", ".", "~"))


def _refuse(token: Token) -> None:
    shown = token.text.decode("utf-8", "replace")
    message = (
        f"{shown} reaches outside the database, which this server does not allow"
        ": read it with a client and INSERT it (a server of its own may have --allow-external-access)"
    )
    raise ClickHouseError(ACCESS_DENIED, message, "ACCESS_DENIED")
