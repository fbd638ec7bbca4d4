"""Check a model folder as it will be served: in a runner process of its own, with its test rows and its reference."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from model_runner import schema as schema_codec
from model_runner.check_processes import await_ready, end, make_room, scan, start_runner
from model_runner.client import ClientConfig, RunnerClient
from model_runner.errors import ModelError
from model_runner.expected import check_expected
from model_runner.failures import RunnerError
from model_runner.fitting import refuse_misfits
from model_runner.frames import RunnerInfo
from model_runner.limits import over_predict_time
from model_runner.manifest import Manifest, read_manifest
from model_runner.reference import Reference, read_reference
from model_runner.sandbox.plan import Confinement
from model_runner.sandbox.policy import SandboxPolicy, confine
from model_runner.schema import InputSchema
from model_runner.schema_source import Inputs
from model_runner.test_rows import read_test_rows

BATCH_ROWS = 1000
_NUMBERS = count(1)


@dataclass(frozen=True)
class Stage:
    """One step of the check."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Report:
    """A model folder that can be served."""

    manifest: Manifest
    inputs: Inputs
    """Schema and example, to be sealed beside the model and stored in the registry."""
    info: RunnerInfo
    test_predictions: list[Any]
    """One per test row; empty without test rows."""
    reference: Reference | None
    reference_predictions: list[Any]
    """One per reference row, in its order; empty without a reference."""
    stages: tuple[Stage, ...]


def manifest_json(report: Report) -> dict[str, Any]:
    """What the registry keeps of a checked folder, beside its schema."""
    manifest = report.manifest
    return {
        "name": manifest.name,
        "workspace": manifest.workspace,
        "task": report.info.task,
        "model": report.info.model,
        "model_file": manifest.model_file.name,
        "psi_threshold": manifest.psi_threshold,
        "baseline_rows": manifest.baseline_rows,
        "mask": list(manifest.mask),
        "example": report.inputs.example,
        "stages": {stage.name: round(stage.seconds, 3) for stage in report.stages},
    }


OnStage = Callable[[Stage], None]


def _unheard(_: Stage) -> None:
    """Nobody listens."""


def check_model(
    folder: Path,
    *,
    name: str | None = None,
    timeout_s: float = 60.0,
    on_stage: OnStage | None = None,
    sandbox: SandboxPolicy | None = None,
) -> Report:
    """Load the folder's model in a runner process and let it predict its test rows and its reference.

    Args:
        folder: the model folder.
        name: the model's name where tidegate.toml has none.
        timeout_s: how long it may take to load, where its tidegate.toml does not say.
        on_stage: called with each stage when it is done.
        sandbox: how its processes are confined; by whatever works here when None.

    Raises:
        ModelError: which file is at fault, what is wrong, and the fix.
    """
    return asyncio.run(_check(folder.resolve(), name, timeout_s, on_stage or _unheard, sandbox or SandboxPolicy()))


async def _check(folder: Path, name: str | None, timeout_s: float, on_stage: OnStage, sandbox: SandboxPolicy) -> Report:
    watch = _StopWatch(on_stage)
    manifest = read_manifest(folder, name)
    test = read_test_rows(manifest)
    reference = read_reference(manifest)
    confinement = _confinement(manifest, sandbox, timeout_s)
    watch.lap("check")
    with tempfile.TemporaryDirectory(prefix="tg-check-") as scratch:
        room = make_room(Path(scratch), folder, confinement)
        await scan(room)
        watch.lap("scan")
        process = await start_runner(room)
        client = RunnerClient(room.socket, ClientConfig(timeout_s=timeout_s, reconnect_s=timeout_s))
        try:
            info = await await_ready(client, process, room)
            watch.lap("load")
            inputs = Inputs(schema_codec.decode(info.schema) if info.schema else None, info.example)
            _check_inputs(manifest, inputs)
            predictions = await _test(client, manifest, inputs.schema, test.rows if test else [])
            check_expected(manifest, predictions, test.expected if test else None)
            watch.lap("test predictions")
            of_reference = await _predict_reference(client, reference)
            if reference is not None:
                watch.lap("reference predictions")
        finally:
            await client.close()
            await end(process)
    return Report(manifest, inputs, info, predictions, reference, of_reference, tuple(watch.stages))


class _StopWatch:
    def __init__(self, on_stage: OnStage) -> None:
        self.stages: list[Stage] = []
        self._on_stage = on_stage
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.stages.append(Stage(name, now - self._since))
        self._since = now
        self._on_stage(self.stages[-1])


def _confinement(manifest: Manifest, sandbox: SandboxPolicy, timeout_s: float) -> Confinement:
    limits = manifest.limits
    limits = replace(limits, load_seconds=limits.load_seconds or timeout_s)
    process = f"check-{os.getpid()}-{next(_NUMBERS)}"
    return confine(sandbox, limits, workspace=manifest.workspace, model=manifest.name, process=process)


def _check_inputs(manifest: Manifest, inputs: Inputs) -> None:
    if inputs.schema is None:
        return
    known = inputs.schema.names
    for name in manifest.mask:
        if name not in known:
            raise ModelError(
                "tidegate.toml", f"[mask] names {name!r}, which is no feature", f"The features: {', '.join(known)}"
            )


async def _test(
    client: RunnerClient, manifest: Manifest, schema: InputSchema | None, rows: list[dict[str, Any]]
) -> list[Any]:
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


async def _predict_reference(client: RunnerClient, reference: Reference | None) -> list[Any]:
    found: list[Any] = []
    if reference is not None:
        for rows in reference.batches(BATCH_ROWS):
            found += await _predict(client, reference.file, rows)
    return found
