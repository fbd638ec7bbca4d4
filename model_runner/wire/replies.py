"""Whether what came from a runner is an answer. A model's code may run in its process, so any bytes may come. Pure."""

import math
from collections.abc import Iterable
from datetime import datetime
from itertools import chain
from typing import Any

from model_runner.wire.failures import (
    PredictionFailedError,
    RunnerError,
    RunnerFailedError,
    RunnerOverloadedError,
    RunnerUnavailableError,
    UnfitInstanceError,
)
from model_runner.wire.frames import (
    OVERLOADED,
    PREDICTION_FAILED,
    STOPPING,
    UNFIT_VALUE,
    Reply,
)

MOST_DEPTH = 32
"""Of lists and objects in a prediction: whoever reads it later reads it recursively."""
MOST_TEXT = 2000
"""Characters of what a runner says went wrong."""
_SCALARS = {type(None), bool, int, float, str, bytes, datetime}
_KEYS = {str, int}
_MOST_MS = 1e9
_MOST_ROWS = 10**9


def lie_in(reply: Reply, rows: int) -> str | None:
    """What no runner would answer to a request of so many rows; None where all is well."""
    if not (math.isfinite(reply.model_ms) and 0 <= reply.model_ms <= _MOST_MS):
        return f"a time of {reply.model_ms:g} ms"
    if not 0 <= reply.batch_size <= _MOST_ROWS:
        return f"a batch of {reply.batch_size} rows"
    if reply.predictions is None:
        return "neither predictions nor an error"
    if len(reply.predictions) != rows:
        return f"{len(reply.predictions)} predictions for {rows} instances"
    return _no_json_in(reply.predictions)


def shortened(text: str) -> str:
    """Of what a runner says, for people."""
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"


def _no_json_in(values: list[Any]) -> str | None:
    """By levels, so that the common shapes (numbers, a flat object a row) take few steps of the interpreter."""
    level: Iterable[Any] = values
    for _ in range(MOST_DEPTH):
        types = set(map(type, level))
        if types <= _SCALARS:
            return None
        strange = types - _SCALARS - {list, dict}
        if strange:
            return f"a prediction with a {min(each.__name__ for each in strange)} in it"
        objects = [value for value in level if type(value) is dict]
        if not set(map(type, chain.from_iterable(objects))) <= _KEYS:
            return "a prediction with a key that is no text"
        lists = [value for value in level if type(value) is list]
        level = [*chain.from_iterable(lists), *chain.from_iterable(each.values() for each in objects)]
    return f"a prediction nested deeper than {MOST_DEPTH}"


def failure_in(reply: Reply) -> RunnerError:
    message = shortened(reply.message)
    if reply.error == UNFIT_VALUE and reply.unfit is not None:
        return UnfitInstanceError(message, reply.unfit.row, shortened(reply.unfit.field))
    if reply.error == PREDICTION_FAILED:
        return PredictionFailedError(message)
    if reply.error == OVERLOADED:
        return RunnerOverloadedError(message)
    if reply.error == STOPPING:
        return RunnerUnavailableError(message)
    return RunnerFailedError(f"{shortened(reply.error or '')}: {message}")
