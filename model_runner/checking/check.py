"""Check a model folder as it will be served: in a runner process of its own, with its test rows and its reference."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from model_runner import watched
from model_runner.checking.comparison import STAGE, Asked, compare
from model_runner.checking.expected_answers import check_expected
from model_runner.checking.host import Host
from model_runner.checking.processes import make_room, read_files, scan, serving
from model_runner.checking.questions import (
    BATCH_ROWS,
    check_inputs,
    inputs_of_runner,
    predict_reference,
    predict_test,
)
from model_runner.environment import PreparedEnvironment
from model_runner.errors import ModelError
from model_runner.folder.manifest import TEST_FILE, Manifest, read_manifest
from model_runner.folder.reference import Reference
from model_runner.folder.schema_source import ModelInputs, inputs_from, seal_inputs
from model_runner.folder.settling import as_settled
from model_runner.folder.test_rows import TestRows
from model_runner.limits import Limits
from model_runner.plain_text import plain
from model_runner.process.launch import HOST_PYTHON
from model_runner.sandbox.plan import Confinement
from model_runner.sandbox.policy import SandboxPolicy, confine
from model_runner.schema.manner import Manner
from model_runner.schema.schema import InputSchema
from model_runner.serving.saved_by import MOST_NOTES
from model_runner.wire.client import RunnerClient
from model_runner.wire.failures import RunnerError
from model_runner.wire.frames import RunnerInfo

_NUMBERS = count(1)
_MOST_LEFT_OUT = 10
"""Columns that are named."""


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
    inputs: ModelInputs
    """Schema and example, to be sealed beside the model and stored in the registry."""
    info: RunnerInfo
    test: TestRows | None
    test_predictions: list[Any]
    """One per test row; empty without test rows."""
    reference: Reference | None
    reference_predictions: list[Any]
    """One per reference row, in its order; empty without a reference."""
    stages: tuple[Stage, ...]
    prepared: PreparedEnvironment
    """What the model ran with."""
    can_stay: bool = False
    """Whether the process in which it was checked still runs, and serves it as any other will from now on."""


OnStage = Callable[[Stage], None]
Prepare = Callable[[Path], PreparedEnvironment]
"""Makes what a model folder needs to run."""
Admit = Callable[[Manifest], None]
"""Refuses what asks for too much, by an exception."""


def _unheard(_: Stage) -> None:
    """Nobody listens."""


def _in_our_own(_: Path) -> PreparedEnvironment:
    """Tidegate's own environment, whatever the model asks for."""
    return PreparedEnvironment(HOST_PYTHON)


def check_model(
    folder: Path,
    *,
    name: str | None = None,
    timeout_s: float = 60.0,
    on_stage: OnStage | None = None,
    sandbox: SandboxPolicy | None = None,
    prepare: Prepare | None = None,
    admit: Admit = lambda _: None,
    host: Host | None = None,
) -> Report:
    """Load the folder's model in a runner process and let it predict its test rows and its reference.

    Args:
        folder: the model folder.
        name: the model's name where tidegate.toml has none.
        timeout_s: how long it may take to load, where its tidegate.toml does not say.
        on_stage: called with each stage when it is done.
        sandbox: how its processes are confined; by whatever works here when None.
        admit: called with what the folder asks for, before anything is done for it; what it raises goes through.
        host: where the model is served while it is checked; by a process of our own when None.
        prepare: makes the environment, once the files are known to be good. By default the model runs in our own.

    Raises:
        ModelError: which file is at fault, what is wrong, and the fix. What `prepare` raises goes through.
    """
    request = _CheckRequest(
        name, timeout_s, on_stage or _unheard, sandbox or SandboxPolicy(), prepare or _in_our_own, admit, host
    )
    return asyncio.run(_check(folder.resolve(), request))


@dataclass(frozen=True)
class _CheckRequest:
    name: str | None
    timeout_s: float
    on_stage: OnStage
    sandbox: SandboxPolicy
    prepare: Prepare
    admit: Admit
    host: Host | None


@dataclass(frozen=True)
class _Files:
    manifest: Manifest
    test: TestRows | None
    reference: Reference | None
    inputs: ModelInputs
    """As far as the files say."""


@dataclass(frozen=True)
class _Answers:
    inputs: ModelInputs
    of_test: list[Any]
    of_reference: list[Any]


async def _check(folder: Path, request: _CheckRequest) -> Report:
    watch = _StopWatch(request.on_stage)
    manifest = read_manifest(folder, request.name)
    request.admit(manifest)
    confinement = _confinement(manifest, request.sandbox, request.timeout_s)
    with tempfile.TemporaryDirectory(prefix="tg-check-") as scratch:
        async with _beginning(request.host, manifest, confinement.limits):
            files = await _read_and_scan(Path(scratch), folder, manifest, request, watch)
        prepared = _prepare(folder, files, request, watch)
        room = make_room(Path(scratch) / "load", folder, confinement)
        async with serving(room, prepared.python, request.host) as (client, told, is_hosts):
            info = _shown(told)
            inputs = inputs_of_runner(info)
            files = _settled(files, inputs)
            watch.lap("load", _loaded(info, inputs))
            answers = await _ask(client, files, info, inputs, watch)
            can_stay = is_hosts and await _serves_as(client, answers.inputs)
    return Report(
        manifest=manifest,
        inputs=answers.inputs,
        info=info,
        test_predictions=answers.of_test,
        test=files.test,
        reference=files.reference,
        reference_predictions=answers.of_reference,
        stages=tuple(watch.stages),
        prepared=prepared,
        can_stay=can_stay,
    )


@asynccontextmanager
async def _beginning(host: Host | None, manifest: Manifest, limits: Limits) -> AsyncIterator[None]:
    """Beside what happens in the block, which nothing of the model's may go before."""
    beginning = None if host is None else watched.awaited(host.begin(manifest, limits))
    try:
        yield
        if beginning is not None:
            await beginning
    finally:
        if beginning is not None:
            beginning.cancel()
            await asyncio.wait({beginning})
            if not beginning.cancelled():
                beginning.exception()  # the block's own error comes first


async def _read_and_scan(
    scratch: Path, folder: Path, manifest: Manifest, request: _CheckRequest, watch: "_StopWatch"
) -> _Files:
    """Side by side, each in a sandbox of its own: neither runs any of the model's code."""
    confined = [_confinement(manifest, request.sandbox, request.timeout_s) for _ in range(2)]
    scanning = watched.awaited(scan(make_room(scratch / "scan", folder, confined[0])))
    reading = watched.awaited(_read(scratch / "read", folder, manifest, confined[1]))
    try:
        files = await reading
        watch.lap("check", "; ".join(files.reference.notes if files.reference else ()))
        await scanning
        watch.lap("scan")
    finally:
        for task in (scanning, reading):
            task.cancel()
        await asyncio.wait({scanning, reading})
    return files


async def _read(scratch: Path, folder: Path, manifest: Manifest, confinement: Confinement) -> _Files:
    blamed = manifest.reference_file or manifest.test_file
    if blamed is None:
        return _Files(manifest, None, None, inputs_from(manifest, None, None, None))
    found = await read_files(make_room(scratch, folder, confinement), blamed.name)
    return _Files(manifest, found.test, found.reference, found.inputs)


def _prepare(folder: Path, files: _Files, request: _CheckRequest, watch: "_StopWatch") -> PreparedEnvironment:
    prepared = request.prepare(folder)
    if request.prepare is not _in_our_own:
        watch.lap("environment")
    if prepared.environment is not None and files.reference is not None:
        # What the files say of the inputs is known: the model's environment need not be able to read them.
        seal_inputs(folder, files.inputs)
    return prepared


def _settled(files: _Files, inputs: ModelInputs) -> _Files:
    """Without what the model was not fitted on."""
    test = files.test and replace(files.test, rows=as_settled(files.test.rows, inputs.schema))
    return replace(files, test=test, reference=files.reference and files.reference.settled(inputs.schema))


async def _ask(
    client: RunnerClient, files: _Files, info: RunnerInfo, inputs: ModelInputs, watch: "_StopWatch"
) -> _Answers:
    manifest, test = files.manifest, files.test
    check_inputs(manifest, inputs)
    predictions = await predict_test(client, manifest, inputs.schema, test.rows if test else [])
    check_expected(manifest, predictions, test.expected if test else None)
    watch.lap("test predictions", _tried(manifest))
    of_reference = await predict_reference(client, files.reference)
    if files.reference is not None:
        watch.lap("reference predictions")
    test_file = manifest.test_file.name if manifest.test_file else ""
    asked = Asked(test_file, test, predictions, files.reference, of_reference)
    compared = await compare(client, asked, BATCH_ROWS, is_comparable=info.comparable)
    if compared.detail:
        watch.lap(STAGE, compared.detail)
    likeliest = info.manner.likeliest and compared.rows > 0
    manner = msgspec.structs.replace(info.manner, likeliest=likeliest, alone=compared.is_alone)
    return _Answers(msgspec.structs.replace(inputs, manner=manner), predictions, of_reference)


async def _serves_as(client: RunnerClient, inputs: ModelInputs) -> bool:
    """Tell the process that its check is over; whether it serves from now on as any that is started with these will."""
    try:
        await client.end_check(inputs.manner or Manner())
        return inputs_of_runner(await client.describe()) == inputs
    except (RunnerError, ModelError):
        return False


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


def _shown(info: RunnerInfo) -> RunnerInfo:
    """What a model says about itself is its own: made fit to be shown, once and for all who will."""
    notes = tuple(plain(note, 200) for note in info.notes[:MOST_NOTES])
    return msgspec.structs.replace(info, model=plain(info.model, 200), task=plain(info.task, 60), notes=notes)


def _loaded(info: RunnerInfo, inputs: ModelInputs) -> str:
    said = [info.model, *info.notes]
    if inputs.schema is None:
        said.append("NO INPUT SCHEMA, so requests are not validated: declare [features] in tidegate.toml")
    else:
        said += _left_out(inputs.schema)
    return "; ".join(said)


def _tried(manifest: Manifest) -> str:
    """Of the test rows."""
    if manifest.test_file is not None:
        return ""
    if manifest.reference_file is not None:
        return f"none: there is no {TEST_FILE}"
    return f"UNTESTED: there is no {TEST_FILE} and no reference, so none of its answers was looked at"


def _left_out(schema: InputSchema) -> list[str]:
    found = [f"{plain(each.name, 80)} ({plain(each.reason, 100)})" for each in schema.left_out]
    if not found:
        return []
    more = f" and {len(found) - _MOST_LEFT_OUT} more" if len(found) > _MOST_LEFT_OUT else ""
    return [f"left out, not asked for and not watched: {', '.join(found[:_MOST_LEFT_OUT])}{more}"]
