"""Which lines ClickHouse cannot read, when it refused a batch because of its data."""

from collections.abc import Callable, Sequence

DATA_CODES = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        25,  # CANNOT_PARSE_ESCAPE_SEQUENCE
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        33,  # CANNOT_READ_ALL_DATA
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        130,  # CANNOT_READ_ARRAY_FROM_TEXT
        131,  # TOO_LARGE_STRING_SIZE
        168,  # CANNOT_PARSE_UUID
        306,  # TOO_DEEP_RECURSION
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        467,  # CANNOT_PARSE_BOOL
    }
)
"""Errors that the same bytes give again, whatever is waited for. All others are waited out."""


def find_refused(lines: Sequence[bytes], readable: Callable[[Sequence[bytes]], bool]) -> list[int]:
    """The indices of lines that cannot be read, ascending. `readable` says whether these lines can all be read."""
    if not lines or readable(lines):
        return []
    if len(lines) == 1:
        return [0]
    middle = len(lines) // 2
    later = find_refused(lines[middle:], readable)
    return find_refused(lines[:middle], readable) + [middle + index for index in later]
