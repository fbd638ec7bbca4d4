"""Check a model folder as it will be served: in a runner process of its own, with its test rows and its reference."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from model_runner import watched
from model_runner.checking.comparison import STAGE, Asked, compare
from model_runner.checking.expected_answers import check_expected
from model_runner.checking.host import Host
from model_runner.checking.model_data import ModelData, read_and_scan, settled
from model_runner.checking.processes import make_room, serving
from model_runner.checking.questions import (
    BATCH_ROWS,
    check_inputs,
    inputs_of_runner,
    predict_reference,
    predict_test,
)
from model_runner.checking.report import OnStage, Report, Stage, StopWatch
from model_runner.checking.request import Admit, CheckRequest, Prepare, confinement_of, in_our_own
from model_runner.checking.telling import shown, what_was_loaded, what_was_tried
from model_runner.environment import PreparedEnvironment
from model_runner.errors import ModelError
from model_runner.folder.manifest import Manifest, read_manifest
from model_runner.folder.schema_source import ModelInputs, seal_inputs
from model_runner.limits import Limits
from model_runner.sandbox.policy import SandboxPolicy
from model_runner.schema.manner import Manner
from model_runner.wire.client import RunnerClient
from model_runner.wire.failures import RunnerError
from model_runner.wire.frames import RunnerInfo


def _unheard(_: Stage) -> None:
    """Nobody listens."""


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
    request = CheckRequest(
        name, timeout_s, on_stage or _unheard, sandbox or SandboxPolicy(), prepare or in_our_own, admit, host
    )
    return asyncio.run(_check(folder.resolve(), request))


@dataclass(frozen=True)
class _Answers:
    inputs: ModelInputs
    of_test: list[Any]
    of_reference: list[Any]


async def _check(folder: Path, request: CheckRequest) -> Report:
    watch = StopWatch(request.on_stage)
    manifest = read_manifest(folder, request.name)
    request.admit(manifest)
    confinement = confinement_of(manifest, request.sandbox, request.timeout_s)
    with tempfile.TemporaryDirectory(prefix="tg-check-") as scratch:
        async with _beginning(request.host, manifest, confinement.limits):
            files = await read_and_scan(Path(scratch), folder, manifest, request, watch)
        prepared = _prepare(folder, files, request, watch)
        room = make_room(Path(scratch) / "load", folder, confinement)
        async with serving(room, prepared.python, request.host) as (client, told, is_hosts):
            info = shown(told)
            inputs = inputs_of_runner(info)
            files = settled(files, inputs)
            watch.lap("load", what_was_loaded(info, inputs))
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


def _prepare(folder: Path, files: ModelData, request: CheckRequest, watch: StopWatch) -> PreparedEnvironment:
    prepared = request.prepare(folder)
    if request.prepare is not in_our_own:
        watch.lap("environment")
    if prepared.environment is not None and files.reference is not None:
        # What the files say of the inputs is known: the model's environment need not be able to read them.
        seal_inputs(folder, files.inputs)
    return prepared


async def _ask(
    client: RunnerClient, files: ModelData, info: RunnerInfo, inputs: ModelInputs, watch: StopWatch
) -> _Answers:
    manifest, test = files.manifest, files.test
    check_inputs(manifest, inputs)
    predictions = await predict_test(client, manifest, inputs.schema, test.rows if test else [])
    check_expected(manifest, predictions, test.expected if test else None)
    watch.lap("test predictions", what_was_tried(manifest))
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
