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
from model_runner.environment import Prepared
from model_runner.errors import ModelError
from model_runner.expected import check_expected
from model_runner.failures import RunnerError
from model_runner.fitting import refuse_misfits
from model_runner.frames import RunnerInfo
from model_runner.launch import HOST_PYTHON
from model_runner.limits import over_predict_time
from model_runner.manifest import Manifest, read_manifest
from model_runner.reference import Reference, read_reference
from model_runner.sandbox.plan import Confinement
from model_runner.sandbox.policy import SandboxPolicy, confine
from model_runner.schema import InputSchema
from model_runner.schema_source import Inputs, find_inputs, seal_inputs
from model_runner.test_rows import read_test_rows

BATCH_ROWS = 1000
_NUMBERS = count(1)


@dataclass(frozen=True)
class Stage:
    """One step of the check."""

    name: str
    seconds: float
    detail: str = ""
    """What there is to say about it."""


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
    prepared: Prepared
    """What the model ran with."""


OnStage = Callable[[Stage], None]
Prepare = Callable[[Path], Prepared]
"""Makes what a model folder needs to run."""


def _unheard(_: Stage) -> None:
    """Nobody listens."""


def _in_our_own(_: Path) -> Prepared:
    """Tidegate's own environment, whatever the model asks for."""
    return Prepared(HOST_PYTHON)


def check_model(
    folder: Path,
    *,
    name: str | None = None,
    timeout_s: float = 60.0,
    on_stage: OnStage | None = None,
    sandbox: SandboxPolicy | None = None,
    prepare: Prepare | None = None,
) -> Report:
    """Load the folder's model in a runner process and let it predict its test rows and its reference.

    Args:
        folder: the model folder.
        name: the model's name where tidegate.toml has none.
        timeout_s: how long it may take to load, where its tidegate.toml does not say.
        on_stage: called with each stage when it is done.
        sandbox: how its processes are confined; by whatever works here when None.
        prepare: makes the environment, once the files are known to be good. By default the model runs in our own.

    Raises:
        ModelError: which file is at fault, what is wrong, and the fix. What `prepare` raises goes through.
    """
    return asyncio.run(
        _check(
            folder.resolve(), name, timeout_s, on_stage or _unheard, sandbox or SandboxPolicy(), prepare or _in_our_own
        )
    )


async def _check(
    folder: Path, name: str | None, timeout_s: float, on_stage: OnStage, sandbox: SandboxPolicy, prepare: Prepare
) -> Report:
    watch = _StopWatch(on_stage)
    manifest = read_manifest(folder, name)
    test = read_test_rows(manifest)
    reference = read_reference(manifest)
    confinement = _confinement(manifest, sandbox, timeout_s)
    watch.lap("check")
    with tempfile.TemporaryDirectory(prefix="tg-check-") as scratch:
        await scan(make_room(Path(scratch) / "scan", folder, confinement))
        watch.lap("scan")
        prepared = prepare(folder)
        if prepare is not _in_our_own:
            watch.lap("environment")
        if prepared.environment is not None and reference is not None:
            # What the files say of the inputs is read here: the model's environment need not be able to.
            seal_inputs(folder, find_inputs(manifest, None))
        room = make_room(Path(scratch) / "load", folder, confinement)
        process = await start_runner(room, prepared.python)
        client = RunnerClient(room.socket, ClientConfig(timeout_s=timeout_s, reconnect_s=timeout_s))
        try:
            info = await await_ready(client, process, room)
            watch.lap("load", _loaded(info))
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
    return Report(manifest, inputs, info, predictions, reference, of_reference, tuple(watch.stages), prepared)


class _StopWatch:
    def __init__(self, on_stage: OnStage) -> None:
        self.stages: list[Stage] = []
        self._on_stage = on_stage
        self._since = time.perf_counter()

    def lap(self, name: str, detail: str = "") -> None:
        now = time.perf_counter()
        self.stages.append(Stage(name, now - self._since, detail))
        self._since = now
        self._on_stage(self.stages[-1])


def _confinement(manifest: Manifest, sandbox: SandboxPolicy, timeout_s: float) -> Confinement:
    limits = manifest.limits
    limits = replace(limits, load_seconds=limits.load_seconds or timeout_s)
    process = f"check-{os.getpid()}-{next(_NUMBERS)}"
    return confine(sandbox, limits, workspace=manifest.workspace, model=manifest.name, process=process)


def _loaded(info: RunnerInfo) -> str:
    if info.schema is not None:
        return info.model
    return f"{info.model}; NO INPUT SCHEMA, so requests are not validated: declare [features] in tidegate.toml"


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
