"""ClickHouse's SQL cut into tokens, as bytes: enough to find a statement's parts without parsing it.

Tokens come lazily, so that the data behind `INSERT ... FORMAT Native` is never read as SQL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_TOKEN = re.compile(
    rb"""
      (?P<skip>   [\s\x00]+ | --[^\n]* | \#[!\ ][^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<string> '(?:[^'\\]|\\.|'')*(?:'|\Z) | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z) )
    | (?P<quoted> `(?:[^`\\]|\\.|``)*(?:`|\Z) | "(?:[^"\\]|\\.|"")*(?:"|\Z) )
    | (?P<word>   [A-Za-z_][A-Za-z0-9_$]* )
    | (?P<number> [0-9][A-Za-z0-9_.]* )
    | (?P<punct>  . )
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_ESCAPES = dict(zip(b"b f n r t 0 a v e".split(), b"\b \f \n \r \t \0 \a \v \x1b".split(b" "), strict=True))


class Kind(Enum):
    """What a token is; comments and white space are none."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    NUMBER = "number"
    PUNCT = "punct"


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its text, where it is in the statement (bytes), and how many brackets it stands in."""

    kind: Kind
    text: bytes
    start: int
    end: int
    depth: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords (given in capitals), in any case."""
        return self.kind is Kind.WORD and self.text.upper().decode("latin-1") in words

    def is_punct(self, char: bytes) -> bool:
        """Whether it is this punctuation character."""
        return self.kind is Kind.PUNCT and self.text == char

    @property
    def name(self) -> str:
        """The identifier it stands for, without its quotes and in small letters."""
        if self.kind is not Kind.QUOTED:
            return self.text.decode("utf-8", "replace").lower()
        mark = self.text[:1]
        return _unescaped(self.text[1:-1].replace(mark * 2, mark)).decode("utf-8", "replace").lower()


def tokens(sql: bytes, start: int = 0) -> Iterator[Token]:
    """The tokens of `sql` from byte `start` on. An opening and its closing bracket have the same depth."""
    depth = 0
    position = start
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None:  # unreachable: `punct` takes any byte
            return
        position = match.end()
        # A heredoc's inner group is the last one that matched; its outer group is what counts.
        kind = "string" if match.lastgroup == "tag" else match.lastgroup
        if kind in (None, "skip"):
            continue
        text = match.group()
        if text in (b")", b"]", b"}"):
            depth = max(0, depth - 1)
        yield Token(Kind(kind), text, match.start(), match.end(), depth)
        if text in (b"(", b"[", b"{"):
            depth += 1


def _unescaped(text: bytes) -> bytes:
    """Without ClickHouse's escapes: `f\\x69le` is `file`, and so is `\\file`."""

    def meant(match: re.Match[bytes]) -> bytes:
        code = match.group(1)
        return bytes([int(code[1:], 16)]) if len(code) == 3 else _ESCAPES.get(code, code)

    return _ESCAPE.sub(meant, text)


def quote(text: str) -> str:
    """`text` as a ClickHouse string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def quote_identifier(name: str) -> str:
    """`name` as a ClickHouse identifier in backticks."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
