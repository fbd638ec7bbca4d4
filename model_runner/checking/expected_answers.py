"""Whether a model answers its test rows as its `test_data.json` expects."""

import math
from collections.abc import Sequence
from typing import Any

from model_runner.errors import ModelError
from model_runner.folder.manifest import Manifest

_TOLERANCE = 1e-6
"""Relative: another machine's floating point, not another model."""


def check_expected(manifest: Manifest, found: Sequence[Any], expected: Sequence[Any] | None) -> None:
    """Raises ModelError at the first test row that the model answers otherwise than its file says."""
    if expected is None or manifest.test_file is None:
        return
    for row, (got, wanted) in enumerate(zip(found, expected, strict=True)):
        if not _same(got, wanted):
            raise ModelError(
                manifest.test_file.name,
                f"instance {row}: the model answered {got}, expected {wanted}",
                'Correct "expected", or the model',
            )


def _same(got: Any, wanted: Any) -> bool:
    """Equal, numbers nearly. For a classifier's answer its bare label or some of its keys are enough."""
    if isinstance(got, dict):
        if not isinstance(wanted, dict):
            return "class" in got and _same(got["class"], wanted)
        return all(key in got and _same(got[key], value) for key, value in wanted.items())
    if isinstance(got, list) and isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(_same, got, wanted))
    if isinstance(got, float) and isinstance(wanted, int | float):
        return math.isclose(got, wanted, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(got == wanted)
