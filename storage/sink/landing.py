"""The SQL that lands one batch in one table as one part."""

from collections.abc import Mapping
from dataclasses import dataclass

from storage.sink.position import Claim

_UNBOUNDED = 1_000_000_000
READ_SETTINGS: dict[str, object] = {
    # A feature may hold anything: what is not a string arrives as its JSON text.
    "input_format_json_read_numbers_as_strings": 1,
    "input_format_json_read_bools_as_strings": 1,
    "input_format_json_read_arrays_as_strings": 1,
    "input_format_json_read_objects_as_strings": 1,
    "input_format_skip_unknown_fields": 1,
    "input_format_null_as_default": 1,
    "input_format_parallel_parsing": 0,
    "input_format_allow_errors_num": 0,
    "date_time_input_format": "best_effort",
}
INSERT_SETTINGS: dict[str, object] = {
    **READ_SETTINGS,
    # One block is one part: landed whole or not at all.
    "max_insert_block_size": _UNBOUNDED,
    "max_block_size": _UNBOUNDED,
    "min_insert_block_size_rows": _UNBOUNDED,
    "min_insert_block_size_bytes": 100 * _UNBOUNDED,
    "input_format_max_block_size_bytes": 0,
    "max_insert_threads": 1,
    "max_threads": 1,
    "async_insert": 0,
    "deduplicate_insert": "enable",
    "deduplicate_insert_select": "force_enable",
}
OWN_COLUMNS = ("_topic_id", "_partition", "_first_offset", "_last_offset", "_landed_at", "_day")


@dataclass(frozen=True)
class Table:
    """A table that a topic lands in: its name, and its columns (without the sink's own) with their types."""

    name: str
    columns: Mapping[str, str]

    @property
    def names(self) -> str:
        return ", ".join(f"`{name}`" for name in self.columns)

    @property
    def structure(self) -> str:
        """As a string literal."""
        return quote(", ".join(f"`{name}` {type_name}" for name, type_name in self.columns.items()))


def insert_sql(table: Table, claim: Claim, first_offset: int, last_offset: int, landed_at: int) -> str:
    """An INSERT whose data, JSON lines, follow in the body. `landed_at` in seconds since the epoch."""
    own = (
        f"{quote(claim.topic_id)}, {claim.partition}, {first_offset}, {last_offset}, toDateTime({landed_at}, 'UTC'), "
        f"toDate({claim.day})"
    )
    return (
        f"INSERT INTO `{table.name}` ({table.names}, {', '.join(OWN_COLUMNS)}) "  # noqa: S608  quoted names, numbers
        f"SELECT {table.names}, {own} FROM input({table.structure}) FORMAT JSONEachRow"
    )


def trial_sql(table: Table) -> str:
    """Reads the lines of its body as the insert would, and stores nothing."""
    return f"INSERT INTO FUNCTION null({table.structure}) FORMAT JSONEachRow"


def position_sql(table: str) -> str:
    """The highest offset; answered from the table's projection. No row where the table has nothing of the partition."""
    return (
        f"SELECT max(_last_offset) FROM `{table}` "  # noqa: S608  a name of ours
        "WHERE _topic_id = {topic_id:String} AND _partition = {partition:UInt16} GROUP BY _topic_id, _partition"
    )


def quote(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
