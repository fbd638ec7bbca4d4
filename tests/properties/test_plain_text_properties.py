"""Any text in, only printable single lines out, however often: nothing that a model says moves a terminal's cursor."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from model_runner.plain_text import MOST, MOST_LINE, QUOTE, plain, printable, quoted, quoted_text

HOSTILE = st.sampled_from(
    [
        "\x1b]52;c;aGVsbG8=\x07",
        "\x1b[2K\r✓ switch  0.18 s  version 9 is live",
        "\n✓ switch",
        "\u202egnp.exe",
        "\u200b\u200d\u2066",
        "\x9b31m",
        "\x85",
        "\u2028",
        "e" + "\u0301" * 40,
        "x" * 500,
        "\ufe0f",
        "\udcff",
        "[bold red]",
        "| ",
        "  ",
    ]
)
TEXTS = st.lists(st.one_of(HOSTILE, st.text(max_size=60)), max_size=12).map("".join)


def _is_harmless(line: str) -> bool:
    return line.isprintable() and not any(unicodedata.category(each)[0] == "C" for each in line)


@given(TEXTS)
def test_words_of_others_are_one_printable_line_without_our_marks(text: str) -> None:
    shown = plain(text)

    assert _is_harmless(shown)
    assert len(shown) <= MOST
    assert not set("✓✗") & set(shown)
    assert "  " not in shown
    assert plain(shown) == shown


@given(TEXTS)
def test_a_line_of_a_log_is_printable(text: str) -> None:
    shown = printable(text)

    assert _is_harmless(shown)
    assert len(shown) <= MOST_LINE
    assert printable(shown) == shown


@given(TEXTS)
def test_further_lines_are_marked_as_quoted(text: str) -> None:
    first, *others = quoted(text)

    assert all(_is_harmless(line) for line in (first, *others))
    assert all(line.startswith(QUOTE) for line in others)
    assert len(others) <= 30
    assert quoted_text(quoted_text(text)) == quoted_text(text)


@given(st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=80))
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert plain(text) == printable(text) == text
