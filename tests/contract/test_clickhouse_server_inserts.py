"""What an INSERT brings is stored as it was sent, however the statement is written: nothing more, nothing less."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.clickhouse import clickhouse_server

_TSV = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})
_NOT_IN_HEREDOC = dict.fromkeys(map(ord, "$()'\"`\\"))
"""The engine looks for the end of a row of VALUES by brackets and quotes alone."""


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def values(rows: list[str]) -> str:
    return ", ".join(f"({quoted(row)})" for row in rows)


def heredocs(rows: list[str]) -> str:
    return ", ".join(f"($_${row}$_$)" for row in rows)


def lines(of_row: Callable[[str], str]) -> Callable[[list[str]], str]:
    return lambda rows: "".join(f"{of_row(row)}\n" for row in rows)


CLAUSES: dict[str, Callable[[list[str]], str]] = {
    "VALUES ": values,
    "values\n": values,
    "FORMAT Values ": values,
    "VALUES\t": heredocs,
    "FORMAT TabSeparated\n": lines(lambda row: row.translate(_TSV)),
    "format TSV ": lines(lambda row: row.translate(_TSV)),
    "FORMAT CSV\r\n": lines(lambda row: '"' + row.replace('"', '""') + '"'),
    "FORMAT JSONEachRow\n": lines(lambda row: json.dumps({"s": row})),
    "FORMAT JSONCompactEachRow ": lines(lambda row: json.dumps([row])),
}
SQL = st.sampled_from(
    (
        *(
            "a",
            "",
            " ",
            ";",
            "value_1;",
            "--",
            "-- x",
            "//",
            "/*",
            "*/",
            "/* */",
            "#",
            "# x",
            "$$",
            "$a$",
            "'",
            '"',
            "`",
            "\\",
        ),
        *(
            "\n",
            "\t",
            "\r",
            "(",
            ")",
            "FORMAT TSV",
            "INTO OUTFILE 'x'",
            "SELECT 1",
            "INSERT INTO t VALUES (1)",
            "\u2018",
            "é",
        ),
    )
)
ROWS = st.lists(st.lists(SQL, min_size=1, max_size=4).map("".join), min_size=1, max_size=3)
BLANKS = st.sampled_from(
    (" ", "\n", "\t ", " /* ; */ ", " -- VALUES ('x')\n", " # FORMAT TSV\n", " /* /* */ ' */ ", " // '\n")
)
STARTS = st.sampled_from(
    (
        "INSERT INTO{b}t{b}",
        "insert into{b}t{b}(s){b}",
        "INSERT INTO{b}TABLE{b}default.t{b}(`s`){b}",
        "WITH 1 AS y{b}INSERT INTO{b}t{b}(s){b}",
        "WITH{b}$$;$$ AS y, (SELECT 2) AS z{b}INSERT INTO{b}t{b}",
        "WITH x AS (SELECT 1 FROM system.one){b}INSERT{b}INTO{b}t{b}",
        "INSERT INTO{b}t{b}SETTINGS async_insert = 1{b}",
        "INSERT INTO{b}t{b}(s){b}SETTINGS log_comment = 'FORMAT CSV'{b}",
    )
)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        clickhouse_server(tmp_path_factory.mktemp("inserts") / "db") as running,
        httpx.Client(base_url=running.url, timeout=60) as client,
    ):
        post(client, "CREATE TABLE t (s String) ENGINE = Memory")
        yield client


def post(http: httpx.Client, sql: str, **params: str) -> httpx.Response:
    answer = http.post("/", params=params, content=sql.encode())
    assert answer.status_code == 200, (params, sql, answer.text)
    return answer


def stored(http: httpx.Client) -> list[str]:
    rows = post(http, "SELECT groupArray(s) FROM t FORMAT JSONCompactColumns").json()[0][0]
    post(http, "TRUNCATE TABLE t")
    return sorted(rows)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    start=STARTS,
    blank=BLANKS,
    clause=st.sampled_from(sorted(CLAUSES)),
    rows=ROWS,
    door=st.sampled_from(("body", "url", "both", "form")),
)
def test_an_insert_stores_what_was_sent(
    http: httpx.Client, start: str, blank: str, clause: str, rows: list[str], door: str
) -> None:
    if CLAUSES[clause] is heredocs:
        rows = [row.translate(_NOT_IN_HEREDOC) for row in rows]
    if clause == "format TSV ":
        rows = ["x" + row for row in rows]  # blanks behind the format's name are no data
    sql, data = start.replace("{b}", blank) + clause, CLAUSES[clause](rows)
    if door == "body":
        post(http, sql + data)
    elif door == "both":
        post(http, data, query=sql.rstrip())  # ClickHouse puts a line break between the two
    elif door == "url":
        post(http, "", query=sql + data)
    else:
        answer = http.post("/", files={"query": (None, sql + data)})
        assert answer.status_code == 200, (sql, data, answer.text)
    assert stored(http) == sorted(rows), (sql, data)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t SELECT '{v}'",
        "INSERT INTO t SELECT '{v}';",
        "INSERT INTO t SELECT '{v}' -- end",
        "INSERT INTO t (s) WITH '{v}' AS format SELECT format FORMAT TSV",
        "WITH '{v}' AS y INSERT INTO t SELECT y",
        "WITH '{v}' AS y INSERT INTO t (s) SELECT y SETTINGS max_threads = 1 ; -- end",
        "INSERT INTO t (s) SELECT * FROM input('s String') FORMAT TSV\n{v}\n",
        "WITH 1 AS y INSERT INTO t SELECT s FROM input('s String') FORMAT TSV\n{v}\n",
        "INSERT INTO t FROM numbers(1) SELECT '{v}'",
        "INSERT INTO t (SELECT '{v}')",
    ],
)
def test_an_insert_with_a_select_stores_its_result(http: httpx.Client, sql: str) -> None:
    answer = post(http, sql.replace("{v}", "a;"))
    assert "x-clickhouse-format" not in answer.headers
    assert stored(http) == ["a;"]


def test_tables_named_as_keywords_take_inserts(http: httpx.Client) -> None:
    for name in ("values", "format", "default.values", "default.format", "select"):
        post(http, f"CREATE TABLE {name} (s String) ENGINE = Memory")
        post(http, f"INSERT INTO {name} VALUES ('a')")
        post(http, f"INSERT INTO {name} FORMAT TSV\nb\n")
        assert post(http, f"SELECT s FROM {name} ORDER BY s").text == "a\nb\n"
        post(http, f"DROP TABLE {name}")


def test_a_select_that_speaks_of_inserts_is_a_select(http: httpx.Client) -> None:
    for sql in ("SELECT 'insert into t'", "WITH 1 AS insert SELECT insert", "SELECT 1 AS insert, {x:String} -- INSERT"):
        assert post(http, sql, param_x="insert").headers["x-clickhouse-format"] == "TabSeparated"
    assert http.get("/", params={"query": "SELECT 1 AS insert"}).text == "1\n"
    assert http.get("/", params={"query": "WITH 1 AS y INSERT INTO t VALUES ('x')"}).status_code == 500
    assert stored(http) == []


def test_rows_of_a_failed_query_are_not_in_the_next_answer(http: httpx.Client) -> None:
    """The engine keeps them; a statement that the server takes for a command is not written into a pipe."""
    failing = "number, throwIf(number = 5) FROM numbers(10) SETTINGS max_block_size = 1"
    for _ in range(3):
        assert http.post("/?implicit_select=1&query_id=same", content=failing).status_code == 500
        assert http.post("/?implicit_select=1&query_id=same", content="DESCRIBE t FORMAT TSVRaw").text.startswith("s\t")
