"""The deployer's side of a candidate: the process that the supervisor starts for a check, and which may stay."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from model_runner.checking.host import Ending, Running, why_ended
from model_runner.environment import LOCK_FILE
from model_runner.errors import ModelError
from model_runner.folder.manifest import Manifest
from model_runner.folder.own_imports import first_imports
from model_runner.folder.schema_source import SEAL_FILE
from model_runner.limits import Limits
from model_runner.serving.warming import libraries
from model_runner.wire.failures import RunnerError
from storage.registry import Version
from tidegate.candidates.connection import Link, connected
from tidegate.candidates.files import link_files
from tidegate.candidates.protocol import (
    Answer,
    Ended,
    Keep,
    Kept,
    Leave,
    Start,
    Started,
)
from tidegate.sockets import runner_socket

START_S = 60.0
"""For its files to be linked, and a process to begin, on a busy machine."""
LOOK_S = 0.5
"""For the news that the supervisor itself has ended, when something went wrong with its process."""


@dataclass(frozen=True)
class Place:
    """What it is to be a runner of."""

    deployment_id: str
    workspace: str
    model: str


@dataclass
class _Process:
    """A model_runner.checking.host.Running."""

    link: Link
    socket: Path
    served_from: Path
    checked: Path
    """The folder by which whoever deploys knows it."""
    limits: Limits
    ended: Ended | None = None

    @property
    def has_ended(self) -> bool:
        return self.ended is not None

    async def wait(self) -> None:
        while self.ended is None:
            answer = await self.link.answer()
            if isinstance(answer, Ended):
                self.ended = answer

    async def death(self, doing: str) -> ModelError:
        await self.wait()
        assert self.ended is not None  # noqa: S101 - it was awaited
        ending = Ending(self.ended.code, self.ended.said, is_out_of_memory=self.ended.out_of_memory)
        return why_ended(ending, self.checked, self.limits, doing)


class Candidate:
    """A model_runner.checking.host.Host: asks the supervisor, where one is there that takes candidates."""

    def __init__(self, run_path: Path, start_message: Callable[[Sequence[str]], Start]) -> None:
        self._run_path = run_path
        self._start_message = start_message
        self._process: _Process | None = None

    @property
    def is_begun(self) -> bool:
        return self._process is not None

    async def begin(self, manifest: Manifest, limits: Limits) -> None:
        """Its process imports what the model will need, and touches none of its files before `running`."""
        folder = manifest.folder
        # One with an environment of its own is declined: what that needs lies in no folder yet. `running` asks again.
        found = await asyncio.to_thread(lambda: (libraries(manifest), first_imports(manifest)))
        start = msgspec.structs.replace(self._start_message(()), libraries=found[0], first_imports=found[1])
        self._process = await self._begun(start, folder, limits)

    @asynccontextmanager
    async def running(self, folder: Path, limits: Limits) -> AsyncIterator[Running | None]:
        sealed = [name for name in (SEAL_FILE, LOCK_FILE) if (folder / name).is_file()]
        if self._process is not None and sealed:
            await self._leave(self._process)
            self.close()
        if self._process is None:
            self._process = await self._begun(self._start_message(sealed), folder, limits)
        process = self._process
        try:
            yield process
        except ModelError as error:
            if process is not None:
                if isinstance(error.__cause__, RunnerError):
                    await self._refuse_if_gone(process)
                raise _in_words_of(error, process) from error
            raise

    def keep(self, sha256: str) -> bool:
        """Let it serve this artifact, of which it has the files; whether it does. Ask before there is a deployment."""
        return asyncio.run(self._keep(sha256))

    def leave(self) -> None:
        """Have it ended, so that another can be started in its place."""
        if self._process is not None:
            asyncio.run(self._leave(self._process))

    def close(self) -> None:
        """It lives on where it was kept, and the registry has its deployment."""
        if self._process is not None:
            self._process.link.close()
            self._process = None

    async def _begun(self, start: Start, folder: Path, limits: Limits) -> _Process | None:
        link = await connected(self._run_path)
        if link is None:
            return None
        answer: Answer | None = None
        try:
            async with asyncio.timeout(START_S):
                await link.send(start)
                answer = await link.answer()
        except (ConnectionError, TimeoutError):
            answer = None
        except BaseException:
            link.close()
            raise
        if not isinstance(answer, Started):
            link.close()
            return None
        where = runner_socket(self._run_path, start.deployment_id)
        return _Process(link, where, Path(answer.folder), folder, limits)

    async def _refuse_if_gone(self, process: _Process) -> None:
        """Raises HostGoneError: its process ended with the supervisor, and the model is not to blame."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await process.wait()

    async def _keep(self, sha256: str) -> bool:
        process = self._process
        if process is None:
            return False
        with suppress(ConnectionError, OSError):
            for name in (SEAL_FILE, LOCK_FILE):
                (process.served_from / name).unlink(missing_ok=True)
                if (process.checked / name).is_file():
                    link_files(process.checked, [name], process.served_from)
            await process.link.send(Keep(sha256))
            while not isinstance(answer := await process.link.answer(), Ended):
                if isinstance(answer, Kept):
                    return True
        return False

    async def _leave(self, process: _Process) -> None:
        with suppress(ConnectionError):
            await process.link.send(Leave())
            await process.wait()


@contextmanager
def candidate(run_path: Path, folder: Path, files: Sequence[str], place: Callable[[], Place]) -> Iterator[Candidate]:
    """One for this folder, whose process is not begun yet. What is not kept ends with the block.

    Args:
        place: asked when it begins.
    """

    def start(sealed: Sequence[str]) -> Start:
        where = place()
        return Start(
            deployment_id=where.deployment_id,
            workspace=where.workspace,
            model=where.model,
            folder=str(folder),
            files=(*files, *sealed),
        )

    found = Candidate(run_path, start)
    try:
        yield found
    finally:
        found.close()


def settle(found: Candidate, version: Version, *, can_stay: bool) -> str:
    """Before there is a deployment: its process stays as the first runner of this version, or ends; in words."""
    if can_stay and found.keep(version.sha256):
        return "served by the process that was checked"
    if not found.is_begun:
        return ""
    found.leave()
    return "loaded anew"


def _in_words_of(error: ModelError, process: _Process) -> ModelError:
    """The folder that it was served from is nobody's business."""
    served, known = str(process.served_from), str(process.checked)
    told = ModelError(*(text.replace(served, known) for text in (error.file, error.problem, error.fix)))
    told.stage = error.stage
    return told
