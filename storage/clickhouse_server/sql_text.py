"""ClickHouse's SQL cut into tokens, as bytes: enough to find a statement's parts without parsing it.

Tokens come lazily, so that the data behind `INSERT ... FORMAT Native` is never read as SQL. They begin and end exactly
where those of the engine's own lexer do (its function `tokenizeQuery` says so in a test): were a comment or a string
longer or shorter here, what is read as a word would be text there, or the other way round.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_DIGITS, _HEX = rb"[0-9](?:_?[0-9])*+", rb"[0-9A-Fa-f](?:_?[0-9A-Fa-f])*+"
_TOKEN = re.compile(
    rb"""
      (?P<skip>   (?: [\ \t\n\r\f\v] | \xc2[\x85\xa0] | \xe1\xa0\x8e | \xe2\x80[\x80-\x8d\xa8\xa9\xaf]
                    | \xe2\x81[\x9f\xa0] | \xe3\x80\x80 | \xef\xbb\xbf )++
                | (?:--|//|\#[!\ ])[^\n]*+ )
    | (?P<comment> /\* )
    | (?P<string> '(?:[^'\\]++|\\.|'')*+(?:'|\\?\Z)
                | [xX]'(?=.)[0-9A-Fa-f]*+(?:'|.*\Z) | [bB]'(?=.)[01]*+(?:'|.*\Z)
                | \xe2\x80\x98(?:(?!\xe2\x80\x99).)*+\xe2\x80\x99
                | \$(?P<tag>\w*+)\$.*?\$(?P=tag)\$ )
    | (?P<quoted> `(?:[^`\\]++|\\.|``)*+(?:`|\\?\Z) | "(?:[^"\\]++|\\.|"")*+(?:"|\\?\Z)
                | \xe2\x80\x9c(?:(?!\xe2\x80\x9d).)*+\xe2\x80\x9d )
    | (?P<word>   (?: [A-Za-z_] | \$\w ) [A-Za-z0-9_$]*+ )
    | (?P<number> 0[xX] HEX (?: \.(?:HEX)? )?
                  (?: [pP](?=.) (?:[+-](?=.))? (?:DIGITS)? )? \w*+
                | (?: 0[bB](?=[01]) )? DIGITS (?: \.(?:DIGITS)? )? (?: [eE](?=.) (?:[+-](?=.))? (?:DIGITS)? )? \w*+ )
    | (?P<punct>  -> | \\G | \xe2\x88\x92 | . )
    """.replace(b"DIGITS", _DIGITS).replace(b"HEX", _HEX),
    re.VERBOSE | re.DOTALL,
)
_AFTER_DOT = re.compile(_DIGITS + rb"\w*+")
"""The number in `t.1.2`, which is no `1.2` there."""
_FRACTION = re.compile(rb"\.DIGITS(?:[eE](?=.)(?:[+-](?=.))?(?:DIGITS)?)?".replace(b"DIGITS", _DIGITS), re.DOTALL)
_DOT, _ZERO, _NINE = b".09"
_COMMENT_MARK = re.compile(rb"/\*|\*/")
_TYPOGRAPHIC = (b"\xe2\x80\x98", b"\xe2\x80\x9c")
"""The opening marks of \u2018text\u2019 and of a \u201cname\u201d, in which nothing is escaped."""

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
        if self.text.startswith(_TYPOGRAPHIC):
            return self.text[3:-3].decode("utf-8", "replace").lower()
        mark = self.text[:1]
        return _unescaped(self.text[1:-1].replace(mark * 2, mark)).decode("utf-8", "replace").lower()


def tokens(sql: bytes, start: int = 0) -> Iterator[Token]:
    """The tokens of `sql` from byte `start` on. An opening and its closing bracket have the same depth."""
    depth = 0
    before: Token | None = None
    position = start
    while position < len(sql):
        kind, end = _next(sql, position, before)
        if kind is not None:
            text = sql[position:end]
            if text in (b")", b"]", b"}"):
                depth = max(0, depth - 1)
            before = Token(kind, text, position, end, depth)
            yield before
            if text in (b"(", b"[", b"{"):
                depth += 1
        position = end


def _next(sql: bytes, position: int, before: Token | None) -> tuple[Kind | None, int]:
    """Kind and end of what begins at `position`; None for white space and comments."""
    first = sql[position]
    if first == _DOT and (before is None or _may_begin_number(before)):
        number = _FRACTION.match(sql, position)
    elif _ZERO <= first <= _NINE and before is not None and before.is_punct(b"."):
        number = _AFTER_DOT.match(sql, position)
    else:
        number = None
    if number is not None:
        return Kind.NUMBER, number.end()
    match = _TOKEN.match(sql, position)
    if match is None:
        raise AssertionError("`punct` takes any byte")
    if match.lastgroup == "comment":
        return None, _comment_end(sql, match.end())
    if match.lastgroup in (None, "skip"):
        return None, match.end()
    # A heredoc's inner group is the last one that matched; its outer group is what counts.
    return Kind.STRING if match.lastgroup == "tag" else Kind(match.lastgroup), match.end()


def _may_begin_number(before: Token) -> bool:
    """Whether `.5` behind this token is a number; else it is a tuple's fifth element."""
    return before.kind is Kind.STRING or (before.kind is Kind.PUNCT and before.text not in (b")", b"]"))


def _comment_end(sql: bytes, position: int) -> int:
    """Behind the `*/` of a comment that has begun; comments nest."""
    nesting = 1
    for mark in _COMMENT_MARK.finditer(sql, position):
        nesting += 1 if mark.group() == b"/*" else -1
        if not nesting:
            return mark.end()
    return len(sql)


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
