"""How a runner that cannot serve its folder tells why to whoever started it: one marked line of JSON on stderr."""

import sys
from contextlib import suppress

import msgspec

from model_runner.decode_errors import UNREADABLE
from model_runner.errors import ModelError

_MARK = "tidegate-model-error "


class _Line(msgspec.Struct):
    file: str
    problem: str
    fix: str


def write_error(error: ModelError) -> None:
    """The error for people, then the same for the process that reads this log."""
    line = msgspec.json.encode(_Line(error.file, error.problem, error.fix)).decode()
    print(f"{error}\n{_MARK}{line}", file=sys.stderr, flush=True)


def read_error(stderr: str) -> ModelError | None:
    """The last error that `write_error` left in a log; None where there is none."""
    for text in reversed(stderr.splitlines()):
        if text.startswith(_MARK):
            # A model can write whatever it likes to its log.
            with suppress(*UNREADABLE):
                line = msgspec.json.decode(text[len(_MARK) :], type=_Line)
                return ModelError(line.file, line.problem, line.fix)
    return None
