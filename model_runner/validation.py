"""Check a model folder as it will be served: in a runner process of its own, with its test rows and its reference."""

import asyncio
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_runner import schema as schema_codec
from model_runner.client import ClientConfig, RunnerClient
from model_runner.environment import Prepared
from model_runner.errors import ModelError
from model_runner.expected import check_expected
from model_runner.failures import RunnerError
from model_runner.fitting import refuse_misfits
from model_runner.frames import RunnerInfo
from model_runner.launch import HOST_PYTHON, RunnerPython, runner_command
from model_runner.manifest import Manifest, read_manifest
from model_runner.reference import Reference, read_reference
from model_runner.report import read_error
from model_runner.schema import InputSchema
from model_runner.schema_source import Inputs, find_inputs, seal_inputs
from model_runner.test_rows import read_test_rows

BATCH_ROWS = 1000
_DEPLOYMENT = "check"


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
    prepare: Prepare | None = None,
) -> Report:
    """Load the folder's model in a runner process and let it predict its test rows and its reference.

    Args:
        folder: the model folder.
        name: the model's name where tidegate.toml has none.
        timeout_s: how long it may take to load.
        on_stage: called with each stage when it is done.
        prepare: makes the environment, once the files are known to be good. By default the model runs in our own.

    Raises:
        ModelError: which file is at fault, what is wrong, and the fix. What `prepare` raises goes through.
    """
    return asyncio.run(_check(folder.resolve(), name, timeout_s, on_stage or _unheard, prepare or _in_our_own))


async def _check(folder: Path, name: str | None, timeout_s: float, on_stage: OnStage, prepare: Prepare) -> Report:
    watch = _StopWatch(on_stage)
    manifest = read_manifest(folder, name)
    test = read_test_rows(manifest)
    reference = read_reference(manifest)
    watch.lap("check")
    prepared = prepare(folder)
    if prepare is not _in_our_own:
        watch.lap("environment")
    if prepared.environment is not None and reference is not None:
        # What the files say of the inputs is read here: the model's environment need not be able to.
        seal_inputs(folder, find_inputs(manifest, None))
    with tempfile.TemporaryDirectory(prefix="tg-check-") as scratch:
        socket = Path(scratch) / "s"
        log = Path(scratch) / "log"
        process = await _start(folder, socket, log, prepared.python)
        client = RunnerClient(socket, ClientConfig(timeout_s=timeout_s, reconnect_s=timeout_s))
        try:
            info = await _await_ready(client, process, log, timeout_s)
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
            await _end(process)
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


async def _start(folder: Path, socket: Path, log: Path, python: RunnerPython) -> Process:
    launch = runner_command(folder, socket, _DEPLOYMENT, python=python)
    with log.open("wb") as stderr:
        return await asyncio.create_subprocess_exec(
            *launch.argv,
            env=launch.env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
        )


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


async def _await_ready(client: RunnerClient, process: Process, log: Path, timeout_s: float) -> RunnerInfo:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.returncode is not None:
            raise _death(process.returncode, log)
        asking = asyncio.ensure_future(client.describe())
        ended = asyncio.ensure_future(process.wait())
        await asyncio.wait({asking, ended}, return_when=asyncio.FIRST_COMPLETED, timeout=timeout_s)
        for task in (asking, ended):
            task.cancel()
        info = await _result_of(asking)
        if info is not None and info.state == "ready":
            return info
        await asyncio.sleep(0.02)
    raise ModelError(
        "model", f"was not loaded within {timeout_s:g} s", "Make it load faster, or raise the time allowed"
    )


async def _result_of(asking: asyncio.Future[RunnerInfo]) -> RunnerInfo | None:
    try:
        return await asking
    except (RunnerError, asyncio.CancelledError):
        return None


def _death(code: int, log: Path) -> ModelError:
    stderr = log.read_text("utf-8", "replace")
    told = read_error(stderr)
    if told is not None:
        return told
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    tail = "\n".join(stderr.strip().splitlines()[-12:]) or "it wrote nothing"
    return ModelError("model", f"ended its process while it was loaded ({how})", f"The end of its log:\n{tail}")


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
    return await _predict(client, file, rows)


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
