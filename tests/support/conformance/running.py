"""What becomes of one case: it is saved, scanned, loaded as a runner loads it, asked, and held against itself."""

import contextlib
import json
import math
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from model_runner.errors import ModelError
from model_runner.scan.scanning import scan_folder
from model_runner.serving.loading import load_and_warm
from tests.support.conformance.cases import ONLY_SO, Case, fitted
from tests.support.conformance.checking import compared, compared_with_reference
from tests.support.conformance.saving import agrees, save


class Close(NamedTuple):
    """How near a number has to be."""

    share: float
    number: float
    """Where that is more: sums of numbers of about 1 cancel each other out, and keep their rounding."""


EXACT = Close(1e-9, 1e-12)
_SINGLE, _NETWORK = Close(1e-6, 1e-9), Close(1e-6, 1e-6)
CLOSE = {"ubj": _SINGLE, "json": _SINGLE, "onnx": Close(1e-3, 1e-6)} | dict.fromkeys(ONLY_SO["PyTorch"], _NETWORK)
"""Where a format computes in single precision."""


class Outcome(StrEnum):
    EQUAL = "equal"
    """Every answer is the model's own."""
    REFUSED = "refused rightly"
    """It cannot be served, and is told why and what to do."""
    DIFFERENT = "different"
    FAILED = "refused wrongly"
    UNFIT = "not fitted"
    """The library itself does not fit it on our data, or does not save it so."""


@dataclass(frozen=True)
class Result:
    outcome: Outcome
    said: str = ""


RIGHT = (
    r"has no predict\(\)",
    r"holds types that skops does not trust: scipy\.stats\.",
)
"""What is right to refuse, by what is said of it."""


def run(case: Case) -> Result:
    """Fit it, and so on."""
    found = fitted(case)
    if found is None:
        return Result(Outcome.UNFIT, "it wants other data than a table of numbers, or texts")
    model, data = found
    with tempfile.TemporaryDirectory() as name, _undisturbed():
        folder = Path(name)
        try:
            save(model, folder, case.saved, data.asked)
        except Exception as error:  # what cannot be saved cannot be deployed
            return Result(Outcome.UNFIT, f"cannot be saved: {type(error).__name__}: {error}")
        if case.saved == "onnx" and not agrees(folder / "model.onnx", model, data.asked):
            return Result(Outcome.UNFIT, "skl2onnx made a model that answers otherwise, or nothing to some rows")
        (folder / "test_data.json").write_text(json.dumps(data.instances))
        try:
            scan_folder(folder)
            serving = load_and_warm(folder, time.perf_counter)
            served = serving.predict(data.instances)
            compared(serving, data.instances, served)
            if data.x is not None:
                compared_with_reference(folder, data)
        except ModelError as error:
            is_right = any(re.search(words, error.problem) for words in RIGHT) or not _answers_one(model, data.asked)
            return Result(Outcome.REFUSED if is_right else Outcome.FAILED, str(error).splitlines()[0][:300])
        except Exception as error:  # a runner would answer 500
            return Result(Outcome.FAILED, f"{type(error).__name__}: {error}"[:300])
        return _compared(served, model, data.asked, CLOSE.get(case.saved, EXACT))


def _answers_one(model: Any, asked: Any) -> bool:
    """Whether the model itself predicts one row alone; some do not."""
    try:
        model.predict(asked[:1])
    except Exception:
        return False
    return True


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """A runner has a process of its own: what it does to one is undone."""
    path = list(sys.path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.path[:] = path
        sys.modules.pop("predict", None)


def _compared(served: list[Any], model: Any, asked: Any, close: Close) -> Result:
    own = np.asarray(model.predict(asked))
    if own.ndim == 2 and own.shape[1] == 1:
        own = own[:, 0]
    if len(served) != len(own):
        return Result(Outcome.DIFFERENT, f"{len(served)} answers for {len(own)} rows")
    for number, (answer, value) in enumerate(zip(served, own.tolist(), strict=True)):
        given = _class_of(answer)
        if not _same(given, value, close):
            return Result(Outcome.DIFFERENT, f"row {number}: served {answer!r}, the model itself answers {value!r}")
    return _scores(served, model, asked, close)


def _class_of(answer: Any) -> Any:
    """The label in an answer that has more: in ONNX under the name of its output."""
    if not isinstance(answer, dict):
        return answer
    return next((value for name, value in answer.items() if name == "class" or name.endswith("label")), answer)


def _scores(served: list[Any], model: Any, asked: Any, close: Close) -> Result:
    """The probability of the second of two classes, of the answered one of more."""
    given = [answer.get("score") for answer in served if isinstance(answer, dict) and "class" in answer]
    if not given or None in given or not hasattr(model, "predict_proba"):
        return Result(Outcome.EQUAL)
    shares = np.asarray(model.predict_proba(asked))
    labels = model.predict(asked)
    answered = [list(model.classes_).index(label) for label in labels]
    own = shares[:, 1] if shares.shape[1] == 2 else shares[np.arange(len(shares)), answered]
    for number, (score, value) in enumerate(zip(given, own.tolist(), strict=True)):
        if not _same(score, value, close):
            return Result(Outcome.DIFFERENT, f"row {number}: score {score!r}, the model itself says {value!r}")
    return Result(Outcome.EQUAL)


def _same(given: Any, value: Any, close: Close) -> bool:
    if isinstance(value, list):
        pairs = zip(given, value, strict=True) if isinstance(given, list) and len(given) == len(value) else None
        return pairs is not None and all(_same(one, other, close) for one, other in pairs)
    if isinstance(value, dict):
        same = isinstance(given, dict) and given.keys() == value.keys()
        return same and all(_same(given[name], each, close) for name, each in value.items())
    if isinstance(value, float):
        if not math.isfinite(value):
            return given is None
        return isinstance(given, int | float) and math.isclose(given, value, rel_tol=close.share, abs_tol=close.number)
    return type(given) is type(value) and given == value
