"""`test_data.json`: rows that a new version must answer before traffic goes to it."""

import codecs
from dataclasses import dataclass
from typing import Any

import msgspec

from model_runner.decode_errors import UNREADABLE
from model_runner.errors import ModelError
from model_runner.folder.manifest import Manifest

_FIX = 'Make it a list of objects, or {"instances": [{...}], "expected": [...]}'


@dataclass(frozen=True)
class TestRows:
    """Instances, and what the model should answer, where that is known."""

    __test__ = False  # no test class, whatever pytest makes of its name

    rows: list[dict[str, Any]]
    expected: list[Any] | None = None


def read_test_rows(manifest: Manifest) -> TestRows | None:
    """The folder's test rows; None where there are none.

    Raises:
        ModelError: the file is no JSON or has another shape.
    """
    path = manifest.test_file
    if path is None:
        return None
    try:
        # Editors on Windows begin it with a mark.
        found = msgspec.json.decode(path.read_bytes().removeprefix(codecs.BOM_UTF8))
    except UNREADABLE as error:
        raise ModelError(path.name, f"is not JSON: {error}", _FIX) from error
    expected = None
    if isinstance(found, dict) and "instances" in found:
        expected = found.get("expected")
        found = found["instances"]
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ModelError(path.name, "has no list of objects", _FIX)
    if expected is not None and (not isinstance(expected, list) or len(expected) != len(rows)):
        raise ModelError(path.name, f'"expected" must be a list of {len(rows)} values, one per instance', _FIX)
    return TestRows(rows, expected)
