"""What a check asks the model: its test rows, and the rows of its reference."""

import asyncio
from typing import Any

from model_runner.decode_errors import UNREADABLE
from model_runner.errors import ModelError
from model_runner.folder.manifest import Manifest
from model_runner.folder.reference import Reference
from model_runner.folder.schema_source import ModelInputs
from model_runner.folder.unwieldy import refuse_unwieldy
from model_runner.limits import over_predict_time
from model_runner.plain_text import can_stand_in_a_line, plain
from model_runner.schema import schema as schema_codec
from model_runner.schema.fitting import refuse_misfits
from model_runner.schema.schema import InputSchema
from model_runner.wire.client import RunnerClient
from model_runner.wire.failures import RunnerError
from model_runner.wire.frames import RunnerInfo
from model_runner.wire.replies import shortened

BATCH_ROWS = 1000
MOST_SCHEMA_BYTES = 4_000_000
MOST_FEATURES = 10_000
MOST_EXAMPLE_BYTES = 1_000_000
MOST_PREDICTION_BYTES = 64_000_000
"""Of all answers together, packed."""


def inputs_of_runner(info: RunnerInfo) -> ModelInputs:
    """What the process that serves the model says of its inputs: the model's code ran there, and may have said it.

    Raises:
        ModelError: it is no schema, or is larger than any needs to be.
    """
    try:
        if len(info.schema or "") > MOST_SCHEMA_BYTES:
            raise ValueError(f"it has more than {MOST_SCHEMA_BYTES:,} bytes")
        schema = schema_codec.decode(info.schema) if info.schema else None
    except UNREADABLE as error:
        problem = f"its process describes itself with a schema that is none: {shortened(str(error))}"
        raise ModelError("model", problem, "Remove the code that answers in the place of Tidegate's runner") from None
    if schema is not None and len(schema.features) > MOST_FEATURES:
        problem = f"it has {len(schema.features):,} features; the most is {MOST_FEATURES:,}"
        raise ModelError("model", problem, "Serve a model with fewer inputs")
    refuse_unwieldy("model", "its example", [info.example], MOST_EXAMPLE_BYTES)
    return ModelInputs(schema, info.example, manner=info.manner)


def check_inputs(manifest: Manifest, inputs: ModelInputs) -> None:
    """Raises ModelError: an input's name cannot be shown, or tidegate.toml names what is no input.

    Names of features stand in tables, alerts and what webhooks are sent.
    """
    if inputs.schema is None:
        return
    known = inputs.schema.names
    for name in known:
        if not can_stand_in_a_line(name):
            problem = f"the name of the feature {plain(name, 80)!r} has characters that cannot be shown"
            raise ModelError(inputs.schema.source, problem, "Rename it there, and in the model where it knows the name")
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
            found = await _predict(client, file, rows)
    except TimeoutError:
        raise over_predict_time(file, manifest.limits) from None
    refuse_unwieldy("model", "its answers to the test rows", found, MOST_PREDICTION_BYTES, is_answer=True)
    return found


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
    left = MOST_PREDICTION_BYTES
    if reference is not None:
        for rows in reference.batches(BATCH_ROWS):
            answers = await _predict(client, reference.file, rows)
            left -= refuse_unwieldy("model", "its answers to the reference", answers, left, is_answer=True)
            found += answers
    return found
