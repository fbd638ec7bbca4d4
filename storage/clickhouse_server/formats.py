"""Output formats and the Content-Type ClickHouse sends with each."""

import re

from storage.clickhouse_server.errors import UNKNOWN_FORMAT, ClickHouseError

DEFAULT_FORMAT = "TabSeparated"
_NAME = re.compile(r"[A-Za-z0-9_]+\Z")

_ALIASES = {"TSV": "TabSeparated", "TSVRaw": "TabSeparatedRaw", "TSVWithNames": "TabSeparatedWithNames"}
_EXACT = {
    "Parquet": "application/octet-stream",
    "Arrow": "application/octet-stream",
    "ArrowStream": "application/octet-stream",
    "ORC": "application/octet-stream",
    "Avro": "application/octet-stream",
    "MsgPack": "application/octet-stream",
    "Native": "application/octet-stream",
    "XML": "application/xml; charset=UTF-8",
    "Markdown": "text/markdown; charset=UTF-8",
    "PNG": "image/png",
    "Prometheus": "text/plain; version=0.0.4; charset=UTF-8",
    "SQLInsert": "text/plain; charset=UTF-8",
}


def canonical_format(name: str) -> str:
    """The format's own name: `TSV` is `TabSeparated`."""
    return _ALIASES.get(name, name)


def format_name(given: str) -> str:
    """`given`, which goes into SQL as it is. Raises ClickHouseError 73 for what cannot be the name of a format."""
    if not _NAME.match(given):
        raise ClickHouseError(UNKNOWN_FORMAT, f"Unknown format {given[:100]!r}", "UNKNOWN_FORMAT")
    return given


def content_type(name: str) -> str:
    """The Content-Type of a result in format `name` (any of ClickHouse's output formats)."""
    if name in _EXACT:
        return _EXACT[name]
    if name.startswith("JSON"):
        lines = "EachRow" in name or name == "JSONLines"
        return "application/x-ndjson; charset=UTF-8" if lines else "application/json; charset=UTF-8"
    if name.startswith("CSV"):
        header = "present" if "WithNames" in name else "absent"
        return f"text/csv; charset=UTF-8; header={header}"
    if name.startswith(("TabSeparated", "TSV")):
        return "text/tab-separated-values; charset=UTF-8"
    if name.startswith(("RowBinary", "Protobuf", "CapnProto", "BSON", "Npy")):
        return "application/octet-stream"
    return "text/plain; charset=UTF-8"
