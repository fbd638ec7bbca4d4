"""What one raw value of JSON means to a series: a number, a category, missing, or invalid.

Live events and reference data pass through the same two functions, so both sides of a comparison
always agree.
"""

import hashlib
import math
import re

import numpy as np

LONGEST_CATEGORY = 200
"""Characters. A longer text is kept as its beginning and its hash: profiles and panes stay small whatever is in it."""
_SHORTENED = re.compile(r"…[0-9a-f]{32}$")
NUMBER_LIMIT = 1e150
"""Numbers at or beyond this magnitude count as infinite: sums and squares of the others stay finite."""


def to_number(value: object) -> float | None:
    """The number that `value` stands for; NaN when it is missing, None when it is of a wrong type.

    Booleans are 0 and 1. Integers too large for a float are infinite. Text is never read as a number.

    >>> to_number(True), to_number(10**400), to_number("3")
    (1.0, inf, None)
    """
    if value is None:
        return math.nan
    if not isinstance(value, float | int | np.number | np.bool_):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def to_category(value: object) -> str | None:
    """The category that `value` names; "" is one. None when the value is missing (see `is_missing`) or
    of a wrong type (a list, an object).

    A whole number is the same category whether it arrived as 1 or 1.0, and the same as the text "1".

    >>> to_category(True), to_category(2.0), to_category("a")
    ('true', '2', 'a')
    """
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return _float_category(float(value))
    if isinstance(value, int | np.integer):
        return _int_category(int(value))
    return None


def _short(text: str) -> str:
    """A long text as its beginning, for people, and the hash of all of it, which makes it another category than others.

    A text that was shortened stays as it is.
    """
    if len(text) <= LONGEST_CATEGORY:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
    return f"{text[: LONGEST_CATEGORY - len(digest) - 1]}…{digest}"


def is_shortened(text: str) -> bool:
    """Whether a long text was made this one of, as far as that can be told."""
    return len(text) == LONGEST_CATEGORY and _SHORTENED.search(text) is not None


def is_missing(value: object) -> bool:
    """Whether `value` says that there is none: null or NaN."""
    return value is None or (isinstance(value, float | np.floating) and math.isnan(value))


def _float_category(value: float) -> str | None:
    if math.isnan(value):
        return None
    return str(int(value)) if value.is_integer() else repr(value)


def _int_category(value: int) -> str:
    # Python refuses to write very long integers in decimal; hexadecimal has no limit.
    return _short(str(value) if value.bit_length() < 4096 else hex(value))
