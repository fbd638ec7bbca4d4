"""Our tokens begin and end where the engine's own do."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.clickhouse_server.sql_text import Kind, tokens
from tests.support.clickhouse import clickhouse_server

_KINDS: dict[str, tuple[Kind | None, ...]] = {
    "BareWord": (Kind.WORD, Kind.NUMBER),  # `1st` begins as a number does
    "Number": (Kind.NUMBER,),
    "StringLiteral": (Kind.STRING,),
    "HereDoc": (Kind.STRING,),
    "QuotedIdentifier": (Kind.QUOTED,),
    "Whitespace": (None,),
    "Comment": (None,),
}
_PUNCTUATION = "OpeningRoundBracket ClosingRoundBracket OpeningSquareBracket ClosingSquareBracket Semicolon Comma Dot"
_KINDS |= dict.fromkeys(_PUNCTUATION.split(), (Kind.PUNCT,))
_ANY = (None, *Kind)
"""Operators, which are cut into characters here."""

_WORDS = "SELECT INSERT INTO FORMAT VALUES WITH file x X b e p é 1 0 1e 1e- 0x 0b 0xA_ .5 1. 1_ 12_3"
_QUOTES = r"""' '' " "" ` `` \ \' \G $ $$ $a$ $a $1 a$"""
_MARKS = r"""_ . .. -- // # #! /* */ ; , ( ) [ ] { } : :: -> - + = == < > | || ? @ ! %"""
_WHOLE = """'a' "a" `a` $$a$$ $a$b$a$ x'4F' b'01' x'"""
_TYPOGRAPHY = "\u2018 \u2019 \u201c \u201d \u2212 \u2014"
_BLANKS = (" ", "\n", "\t", "\r", "\x0b", "\0", "\u00a0", "\u2003", "--\n", "# ", "/* /* */")
PIECES = st.sampled_from((*f"{_WORDS} {_QUOTES} {_MARKS} {_WHOLE} {_TYPOGRAPHY}".split(), *_BLANKS))
TEXTS = st.lists(PIECES, max_size=12).map(lambda pieces: "SELECT " + "".join(pieces))


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        clickhouse_server(tmp_path_factory.mktemp("tokens") / "db") as running,
        httpx.Client(base_url=running.url, timeout=60) as client,
    ):
        yield client


def engine_tokens(http: httpx.Client, texts: list[str]) -> list[list[tuple[int, int, str]]]:
    rows = ", ".join("unhex('" + text.encode().hex() + "')" for text in texts)
    spans = "arrayMap(t -> (t.1, t.2, toString(t.3)), tokenizeQuery(s))"
    sql = f"SELECT arrayMap(s -> {spans}, [{rows}]) FORMAT JSONCompact"
    answer = http.post("/", content=sql, params={"output_format_json_quote_64bit_integers": "0"})
    answer.raise_for_status()
    return [[(a, b, c) for a, b, c in one] for one in answer.json()["data"][0][0]]


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=40))
def test_tokens_are_the_engines(http: httpx.Client, texts: list[str]) -> None:
    for text, all_of_theirs in zip(texts, engine_tokens(http, texts), strict=True):
        # Behind what the engine cannot read there is no statement.
        end_of_sql = next((begin for begin, _, kind in all_of_theirs if kind.startswith("Error")), len(text.encode()))
        theirs = [token for token in all_of_theirs if token[0] < end_of_sql]
        ours = {(t.start, t.end): t.kind for t in tokens(text.encode()) if t.start < end_of_sql}
        for begin, end, kind in theirs:
            assert ours.get((begin, end)) in _KINDS.get(kind, _ANY), (text, kind, ours, theirs)
        known = {(begin, end) for begin, end, _ in theirs}
        for span, kind_of_ours in ours.items():
            assert kind_of_ours is Kind.PUNCT or span in known, (text, span, theirs)
