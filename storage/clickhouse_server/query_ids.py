"""The ids that clients give their queries, where the engine has none of its own for them.

chDB gives every query an id and takes none. So the server puts a request's id into the setting log_comment,
and SQL that speaks of ids (KILL QUERY, system.processes) is changed to read it there.
"""

from storage.clickhouse_server.sql_text import quote, tokens

_PROCESSES = (
    b"(SELECT * REPLACE (if(Settings['log_comment'] = '', query_id, Settings['log_comment']) AS query_id)"
    b" FROM system.processes)"
)
_ID = b"Settings['log_comment']"


def with_client_ids(sql: bytes) -> bytes:
    """`sql` with `query_id` meaning the client's id: the column in KILL QUERY, the table system.processes elsewhere."""
    if b"processes" not in sql.lower() and b"kill" not in sql[:64].lower():
        return sql
    found = tuple(tokens(sql))
    killing = bool(found) and found[0].is_word("KILL")
    out, position, index = b"", 0, 0
    while index < len(found):
        span = found[index : index + 3]
        replaced, width = b"", 1
        if [t.name for t in span] == ["system", ".", "processes"]:
            replaced, width = _PROCESSES, 3
        elif killing and span[0].name == "query_id":
            replaced = _ID
        if replaced:
            out += sql[position : span[0].start] + replaced
            position = span[width - 1].end
        index += width
    return out + sql[position:]


def kill_statement(query_id: str) -> bytes:
    """The SQL that ends the queries with this id of a client."""
    return b"KILL QUERY WHERE " + _ID + b" = " + quote(query_id).encode()
