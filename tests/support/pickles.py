"""Pickles for tests of the scan: what calls, what a fitted model is made from, and how a refusal is read."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.f2py
import pytest

from model_runner.errors import ModelError
from model_runner.scan.scanning import scan_folder


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._reduced = function, arguments

    def __reduce__(self) -> Any:
        return self._reduced


RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def refusal(folder: Path, allowed: tuple[str, ...] = ()) -> ModelError:
    with pytest.raises(ModelError) as raised:
        scan_folder(folder, allowed)
    return raised.value
