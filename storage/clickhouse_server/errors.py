"""ClickHouse's exceptions: how the engine words them, and the HTTP status that goes with each code."""

import re

_CODE = re.compile(r"Code: (\d+)\. DB::Exception: ")

BAD_ARGUMENTS = 36
SYNTAX_ERROR = 62
UNKNOWN_FORMAT = 73
UNKNOWN_SETTING = 115
READONLY = 164
TOO_MANY_SIMULTANEOUS_QUERIES = 202
NOT_IMPLEMENTED = 48
CANNOT_DECOMPRESS = 271
INCORRECT_DATA = 117
REQUEST_TOO_LARGE = 307
ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
UNKNOWN_COMPRESSION_METHOD = 89
CHECKSUM_DOESNT_MATCH = 40
SOCKET_TIMEOUT = 209
QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216
SESSION_NOT_FOUND = 372
SESSION_IS_LOCKED = 373
INVALID_SESSION_TIMEOUT = 374
TOO_MANY_ROWS_OR_BYTES = 396
UNKNOWN_ROLE = 511
USER_SESSION_LIMIT_EXCEEDED = 700

# The groups that ClickHouse's own HTTP handler makes of its codes; every other code is a 500.
_STATUSES: dict[int, tuple[int, ...]] = {
    # parse, type and argument errors, and settings out of range
    400: (6, 26, 27, 34, 35, 36, 38, 40, 41, 42, 43, 44, 53, 62, 69, 70, 72, 89, 117, 131, 169, 271, 457),
    # a name that does not exist: function, identifier, type, storage, table, database, setting, format, parameter
    404: (46, 47, 50, 56, 60, 63, 73, 75, 81, 115, 197, 336, 456),
    403: (192, 193, 497, 516),
    401: (194,),
    411: (381,),
    413: (65, 307),
    501: (48,),
    503: (76, 202, 209, 236, 439),
    408: (159,),
}
_STATUS_OF = {code: status for status, codes in _STATUSES.items() for code in codes}


class ClickHouseError(Exception):
    """A refusal with ClickHouse's code, raised by the server itself or read from the engine."""

    def __init__(self, code: int, message: str, name: str = "", *, retry_after_s: int = 0) -> None:
        """`retry_after_s`: above 0 where the same is to be asked again later, and not looked at before."""
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.code = code
        self.message = message
        self.name = name

    @property
    def status(self) -> int:
        """The HTTP status that ClickHouse gives this code."""
        return 429 if self.retry_after_s else http_status(self.code)

    def body(self, version: str) -> str:
        """The text a ClickHouse server of `version` answers with."""
        text = self.message
        if not _CODE.match(text):
            text = f"Code: {self.code}. DB::Exception: {text}"
        if self.name:
            text = f"{text} ({self.name})"
        if not text.endswith(")\n") and "(version " not in text:
            text = f"{text} (version {version} (official build))"
        return text.rstrip("\n") + "\n"


def http_status(code: int) -> int:
    """HTTP status of a ClickHouse exception code; 500 for the codes without one of their own."""
    return _STATUS_OF.get(code, 500)


def from_engine(error: BaseException) -> ClickHouseError:
    """The engine's exception as ClickHouse words it: its code is in its text, 'Code: N. DB::Exception: ...'."""
    if isinstance(error, ClickHouseError):
        return error
    text = str(error)
    found = _CODE.search(text)
    if found is None:
        return ClickHouseError(1002, text or type(error).__name__, "UNKNOWN_EXCEPTION")
    return ClickHouseError(int(found.group(1)), text[found.start() :])
