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

import msgspec

from model_runner import schema as schema_codec
from model_runner.check_processes import make_room, scan, serving
from model_runner.check_questions import check_inputs, predict_reference, predict_test
from model_runner.client import RunnerClient
from model_runner.environment import Prepared
from model_runner.errors import ModelError
from model_runner.expected import check_expected
from model_runner.frames import RunnerInfo
from model_runner.launch import HOST_PYTHON
from model_runner.manifest import Manifest, read_manifest
from model_runner.plain_text import plain
from model_runner.reference import Reference, read_reference
from model_runner.replies import shortened
from model_runner.sandbox.plan import Confinement
from model_runner.sandbox.policy import SandboxPolicy, confine
from model_runner.schema import InputSchema
from model_runner.schema_source import Inputs, find_inputs, seal_inputs
from model_runner.test_rows import TestRows, read_test_rows

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
Admit = Callable[[Manifest], None]
"""Refuses what asks for too much, by an exception."""


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
    admit: Admit = lambda _: None,
) -> Report:
    """Load the folder's model in a runner process and let it predict its test rows and its reference.

    Args:
        folder: the model folder.
        name: the model's name where tidegate.toml has none.
        timeout_s: how long it may take to load, where its tidegate.toml does not say.
        on_stage: called with each stage when it is done.
        sandbox: how its processes are confined; by whatever works here when None.
        admit: called with what the folder asks for, before anything is done for it; what it raises goes through.
        prepare: makes the environment, once the files are known to be good. By default the model runs in our own.

    Raises:
        ModelError: which file is at fault, what is wrong, and the fix. What `prepare` raises goes through.
    """
    wish = _Wish(name, timeout_s, on_stage or _unheard, sandbox or SandboxPolicy(), prepare or _in_our_own, admit)
    return asyncio.run(_check(folder.resolve(), wish))


@dataclass(frozen=True)
class _Wish:
    name: str | None
    timeout_s: float
    on_stage: OnStage
    sandbox: SandboxPolicy
    prepare: Prepare
    admit: Admit


@dataclass(frozen=True)
class _Files:
    manifest: Manifest
    test: TestRows | None
    reference: Reference | None


@dataclass(frozen=True)
class _Answers:
    inputs: Inputs
    of_test: list[Any]
    of_reference: list[Any]


async def _check(folder: Path, wish: _Wish) -> Report:
    watch = _StopWatch(wish.on_stage)
    manifest = read_manifest(folder, wish.name)
    wish.admit(manifest)
    files = _Files(manifest, read_test_rows(manifest), read_reference(manifest))
    confinement = _confinement(manifest, wish.sandbox, wish.timeout_s)
    watch.lap("check")
    with tempfile.TemporaryDirectory(prefix="tg-check-") as scratch:
        await scan(make_room(Path(scratch) / "scan", folder, confinement))
        watch.lap("scan")
        prepared = _prepare(folder, files, wish, watch)
        async with serving(make_room(Path(scratch) / "load", folder, confinement), prepared.python) as (client, told):
            info = _shown(told)
            watch.lap("load", _loaded(info))
            answers = await _ask(client, files, info, watch)
    return Report(
        manifest=manifest,
        inputs=answers.inputs,
        info=info,
        test_predictions=answers.of_test,
        reference=files.reference,
        reference_predictions=answers.of_reference,
        stages=tuple(watch.stages),
        prepared=prepared,
    )


def _prepare(folder: Path, files: _Files, wish: _Wish, watch: "_StopWatch") -> Prepared:
    prepared = wish.prepare(folder)
    if wish.prepare is not _in_our_own:
        watch.lap("environment")
    if prepared.environment is not None and files.reference is not None:
        # What the files say of the inputs is read here: the model's environment need not be able to.
        seal_inputs(folder, find_inputs(files.manifest, None))
    return prepared


async def _ask(client: RunnerClient, files: _Files, info: RunnerInfo, watch: "_StopWatch") -> _Answers:
    manifest, test = files.manifest, files.test
    inputs = Inputs(_schema_of(info), info.example)
    check_inputs(manifest, inputs)
    predictions = await predict_test(client, manifest, inputs.schema, test.rows if test else [])
    check_expected(manifest, predictions, test.expected if test else None)
    watch.lap("test predictions")
    of_reference = await predict_reference(client, files.reference)
    if files.reference is not None:
        watch.lap("reference predictions")
    return _Answers(inputs, predictions, of_reference)


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
    return msgspec.structs.replace(info, model=plain(info.model, 200), task=plain(info.task, 60))


def _schema_of(info: RunnerInfo) -> InputSchema | None:
    """Raises ModelError: what its process says is no schema, which only code of the model's own can bring about."""
    if info.schema is None:
        return None
    try:
        return schema_codec.decode(info.schema)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        problem = f"its process describes itself with a schema that is none: {shortened(str(error))}"
        raise ModelError("model", problem, "Remove the code that answers in the place of Tidegate's runner") from None


def _loaded(info: RunnerInfo) -> str:
    if info.schema is not None:
        return info.model
    return f"{info.model}; NO INPUT SCHEMA, so requests are not validated: declare [features] in tidegate.toml"
