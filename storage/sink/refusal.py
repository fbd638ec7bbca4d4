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
        407,  # DECIMAL_OVERFLOW: a time that DateTime64 cannot hold
        467,  # CANNOT_PARSE_BOOL
    }
)
"""Errors that the same bytes give again, whatever is waited for."""
SERVER_CODES = frozenset(
    {
        *(16, 47, 60, 81, 218),  # columns, tables or databases that a migration is about to make
        *(74, 75, 76, 107, 208, 243, 425, 1000, 1001),  # files and disks; 243: NOT_ENOUGH_SPACE
        *(159, 160, 173, 201, 202, 203, 241, 252, 290, 394, 439, 735),  # time, memory, quotas, parts, cancelled queries
        *(164, 192, 193, 194, 242, 497, 516),  # read-only, users and grants
        *(209, 210, 225, 236, 279, 285, 286, 319, 341, 499, 999),  # network, replicas, a server that ends
    }
)
"""Errors that say nothing of the data: waited out, however long it takes. Codes in neither list are waited out too,
until it is shown that ClickHouse takes everything but these lines."""


def find_refused(lines: Sequence[bytes], readable: Callable[[Sequence[bytes]], bool]) -> list[int]:
    """The indices of lines that cannot be read, ascending. `readable` says whether these lines can all be read."""
    if not lines or readable(lines):
        return []
    if len(lines) == 1:
        return [0]
    middle = len(lines) // 2
    later = find_refused(lines[middle:], readable)
    return find_refused(lines[:middle], readable) + [middle + index for index in later]
