"""The one place where words that are not ours become fit to be shown: what comes from a model, a repository, a client.

A terminal obeys control sequences, people believe lines that look like ours, and both can be hidden in a description,
an exception or a file's name. What leaves this module is printable, on one line, and of a bounded length.
"""

from unicodedata import category

STAND_IN = "\N{REPLACEMENT CHARACTER}"
MOST = 300
"""Characters of one word of a model's: its description, a detail, a name."""
MOST_LINE = 2000
"""Characters of a line of a log."""
WORD = 120
"""A longer one is a blob, and would fill the screen."""
QUOTE = "| "
"""Before each further line of a text that has several: it then looks like none of ours."""
_OUR_MARKS = frozenset("✓✔✗✘")
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Printable by their category, and seen by nobody."""
_MARKS_IN_A_ROW = 3
"""Accents on one letter; more are drawn over other lines."""


def plain(text: object, most: int = MOST) -> str:
    """Words that a model or a stranger chose, as one printable line of at most so many characters.

    What cannot be seen, and the marks that begin lines of our own, become a stand-in. Idempotent.
    """
    shown = "".join(STAND_IN if each in _OUR_MARKS else each for each in printable(text, most * 8))
    words = (word if len(word) <= WORD else f"{word[: WORD - 1]}…" for word in shown.split())
    return _shortened(" ".join(words), most)


def printable(text: object, most: int = MOST_LINE) -> str:
    """One line of a log, with its own spaces and marks: nothing in it moves a cursor or hides. Idempotent."""
    given = str(text)[: most + 1]
    return _shortened("".join(_calmed(given)), most)


def can_stand_in_a_line(name: str) -> bool:
    """Whether a name may be shown as it is: nothing in it moves a cursor, ends a line or hides.

    Spaces may be of any width. For names that have to stay what they are, since data bears them too.
    """
    calm = _calmed(name)
    return all(one == other or category(other) == "Zs" for one, other in zip(calm, name, strict=True))


def quoted(text: object, most_lines: int = 30) -> list[str]:
    """A text of several lines, such as an error with its traceback: each after the first is marked as quoted.

    Idempotent on its own lines joined.
    """
    first, *others = str(text)[: MOST_LINE * most_lines].splitlines() or [""]
    bare = [plain(line.strip().removeprefix(QUOTE), MOST) for line in others]
    shown = [f"{QUOTE}{line}" for line in bare if line]
    if len(shown) > most_lines:
        # The end of a traceback says most.
        shown = [f"{QUOTE}…", *shown[-(most_lines - 1) :]]
    return [plain(first, MOST_LINE), *shown]


def quoted_text(text: object) -> str:
    """The same as one text."""
    return "\n".join(quoted(text))


def _calmed(text: str) -> list[str]:
    found = []
    marks = 0
    for each in text:
        is_mark = category(each) in ("Mn", "Me")
        marks = marks + 1 if is_mark else 0
        if each.isspace():
            found.append(" ")
        elif not each.isprintable() or each in _INVISIBLE or _is_selector(each) or marks > _MARKS_IN_A_ROW:
            found.append(STAND_IN)
            marks = 0
        else:
            found.append(each)
    return found


def _is_selector(each: str) -> bool:
    """Variation selectors: they change how the letter before is drawn, and can carry text of their own."""
    return "\ufe00" <= each <= "\ufe0f" or "\U000e0100" <= each <= "\U000e01ef"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
