"""What a check asks the model: its test rows, and the rows of its reference."""

import asyncio
from typing import Any

from model_runner.client import RunnerClient
from model_runner.errors import ModelError
from model_runner.failures import RunnerError
from model_runner.fitting import refuse_misfits
from model_runner.limits import over_predict_time
from model_runner.manifest import Manifest
from model_runner.reference import Reference
from model_runner.schema import InputSchema
from model_runner.schema_source import Inputs

BATCH_ROWS = 1000


def check_inputs(manifest: Manifest, inputs: Inputs) -> None:
    """Raises ModelError: tidegate.toml names what is no input."""
    if inputs.schema is None:
        return
    known = inputs.schema.names
    for name in manifest.mask:
        if name not in known:
            raise ModelError(
                "tidegate.toml", f"[mask] names {name!r}, which is no feature", f"The features: {', '.join(known)}"
            )


async def predict_test(
    client: RunnerClient, manifest: Manifest, schema: InputSchema | None, rows: list[dict[str, Any]]
) -> list[Any]:
    """One prediction per test row.

    Raises:
        ModelError: a row does not fit the schema, or the model fails on it or takes too long.
    """
    if not rows:
        return []
    file = manifest.test_file.name if manifest.test_file else "test_data.json"
    refuse_misfits(file, schema, rows)
    try:
        async with asyncio.timeout(manifest.limits.predict_seconds):
            return await _predict(client, file, rows)
    except TimeoutError:
        raise over_predict_time(file, manifest.limits) from None


async def _predict(client: RunnerClient, file: str, rows: list[dict[str, Any]]) -> list[Any]:
    try:
        return (await client.predict(rows)).predictions or []
    except (RunnerError, OverflowError) as error:
        raise ModelError(file, f"the model failed on its rows: {error}", "Correct the rows, or the model") from error


async def predict_reference(client: RunnerClient, reference: Reference | None) -> list[Any]:
    """One prediction per row of the reference, in its order.

    Raises:
        ModelError: the model fails on one.
    """
    found: list[Any] = []
    if reference is not None:
        for rows in reference.batches(BATCH_ROWS):
            found += await _predict(client, reference.file, rows)
    return found
