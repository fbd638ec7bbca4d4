"""Rows of a model folder's own files must fit its own schema."""

from collections.abc import Sequence
from typing import Any

from model_runner.errors import ModelError
from model_runner.schema.instances import InstanceChecker
from model_runner.schema.schema import InputSchema


def refuse_misfits(file: str, schema: InputSchema | None, rows: Sequence[dict[str, Any]]) -> None:
    """Raises ModelError where a row of the file does not fit; anything fits where there is no schema."""
    problems = None if schema is None else InstanceChecker(schema).check(rows)
    if schema is not None and problems is not None:
        fix = f"Correct the rows, or the features in tidegate.toml (the schema came from {schema.source})"
        raise ModelError(file, f"does not fit the input schema: {problems}", fix)
