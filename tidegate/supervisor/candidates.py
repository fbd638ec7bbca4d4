"""Candidates: started for the deployer as the first runner of a deployment is, and taken over by it, or ended.

Whoever asked for one holds a connection. When that ends the registry is asked: where it wants a deployment of that id,
the candidate is its runner; else nobody wants it.
"""

import asyncio
import contextlib
import logging
import os
import shutil
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from model_runner import watched
from model_runner.decode_errors import UNREADABLE
from model_runner.environment import EnvironmentBuildError, at_hand
from model_runner.errors import ModelError
from model_runner.folder.toml_file import limits_of, read_toml
from model_runner.limits import Limits
from model_runner.sandbox.cgroup import out_of_memory
from model_runner.sandbox.permissions import open_up
from tidegate.candidates.files import link_files
from tidegate.candidates.protocol import (
    MOST_BYTES,
    WORD_S,
    Declined,
    Ended,
    Keep,
    Kept,
    Leave,
    Order,
    Start,
    Started,
)
from tidegate.parts.state import PartState
from tidegate.sockets import candidates_socket, runner_socket
from tidegate.supervisor.candidate_orders import either, never, next_order, send_answer
from tidegate.supervisor.candidate_place import CandidatePlace
from tidegate.supervisor.logs import remove_log
from tidegate.supervisor.part import Part
from tidegate.supervisor.plan import PartSpec, runner_spec
from tidegate.supervisor.spare import Spare

KEEP_S = 5.0
"""For one that answers to become ready in the supervisor's eyes too."""

_GONE: tuple[type[Exception], ...] = (ConnectionError, ValueError, *UNREADABLE)
"""ValueError: a line that is longer than any."""

log = logging.getLogger("tidegate.supervisor")


class DeclinedError(Exception):
    """One that is not started; the message says why."""


@dataclass
class _Candidate:
    part: Part
    folder: Path
    cgroup: str | None
    sha256: str | None = None
    """Of the artifact as whose runner it may stay; None while nobody has said so."""
    is_released: bool = False
    """Whether nobody holds it any more."""

    def end(self) -> Ended:
        killed = self.cgroup is not None and out_of_memory(self.cgroup)
        code = self.part.exit_code
        return Ended(code=1 if code is None else code, said=self.part.last_words, out_of_memory=killed)


class Candidates:
    """`listen` once. All methods are called from one event loop."""

    def __init__(self, place: CandidatePlace, *, has_spare: bool = False) -> None:
        """
        Args:
            has_spare: whether a process is kept ready for the next of them.
        """
        self._place = place
        self._found: dict[str, _Candidate] = {}
        self._begun: set[str] = set()
        """Ids of those on their way, which nobody else may ask for."""
        self._ending: dict[str, asyncio.Event] = {}
        """Those that end, and when no process of them is left."""
        self._server: asyncio.Server | None = None
        self._spare = Spare(place, lambda: bool(self._found or self._begun)) if has_spare else None

    async def listen(self) -> None:
        """Take orders, for the owner of the run folder only."""
        path = candidates_socket(self._place.run_path)
        path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, path, limit=MOST_BYTES)
        finally:
            os.umask(mask)
        if self._spare is not None:
            self._spare.start()

    async def make_way(self) -> None:
        """Something took room: what nobody asked for goes first."""
        if self._spare is not None:
            await self._spare.make_way()

    def released(self) -> set[str]:
        """Those that nobody holds: ask the registry after this whether it wants them, and `drop` the others."""
        return {name for name, one in self._found.items() if one.is_released}

    def adopt(self, name: str, sha256: str) -> tuple[Part, Path] | None:
        """The process of one that may stay as the runner of this artifact, and its folder; it is none any more then."""
        one = self._found.get(name)
        if one is None or one.sha256 != sha256 or not one.part.ready.is_set():
            return None
        del self._found[name]
        self._forget(name)
        one.part.spec = replace(one.part.spec, is_candidate=False)
        log.info("the process that was checked serves deployment %s", name)
        return one.part, one.folder

    async def drop(self, names: Iterable[str]) -> None:
        """End these, and remove what was theirs."""
        await asyncio.gather(*(self._drop(name) for name in names))

    def states(self) -> tuple[PartState, ...]:
        spare = () if self._spare is None else self._spare.states()
        return (*(one.part.state for one in self._found.values()), *spare)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            candidates_socket(self._place.run_path).unlink(missing_ok=True)
        if self._spare is not None:
            await self._spare.stop()
        await self.drop(list(self._found))

    async def _drop(self, name: str) -> None:
        one = self._found.pop(name, None)
        if one is None:
            if name in self._ending:
                await self._ending[name].wait()
            return
        gone = self._ending[name] = asyncio.Event()
        try:
            await one.part.end_now()
            self._place.room.give_back(name)
            for path in (one.folder, runner_socket(self._place.run_path, name).parent):
                await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
            await asyncio.to_thread(remove_log, one.part.log)
            self._forget(name)
        finally:
            del self._ending[name]
            gone.set()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            order = await next_order(reader)
            if isinstance(order, Start):
                await self._start(order, reader, writer)
        except _GONE as error:
            log.info("a deployer went away: %s", error)
        finally:
            writer.close()

    async def _start(self, order: Start, reader: StreamReader, writer: StreamWriter) -> None:
        name = order.deployment_id
        try:
            one = await self._begin(order)
        except DeclinedError as error:
            log.warning("no process is begun here for the check of %s: %s", order.model, error)
            await send_answer(writer, Declined(reason=str(error)))
            return
        try:
            await send_answer(writer, Started(folder=str(one.folder)))
            await self._held(name, one, reader, writer)
        finally:
            one.is_released = True

    async def _begin(self, order: Start) -> _Candidate:
        """Raises DeclinedError: it cannot be started here, and nothing of it is left."""
        name = order.deployment_id
        if name in {*self._found, *self._begun, *self._ending} or Path(name).name != name or name.startswith("."):
            raise DeclinedError(f"{name} is no new deployment")
        self._begun.add(name)
        try:
            one = self._found[name] = await self._made(order)
        except BaseException:
            self._place.room.give_back(name)
            for path in (self._place.folder / name, runner_socket(self._place.run_path, name).parent):
                await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
            raise
        finally:
            self._begun.discard(name)
        return one

    async def _made(self, order: Start) -> _Candidate:
        """Raises DeclinedError."""
        name, folder = order.deployment_id, self._place.folder / order.deployment_id
        try:
            limits = limits_of(await asyncio.to_thread(read_toml, Path(order.folder)))
            _, trouble = self._place.room.that_fit([name], limits.memory_bytes)
            if trouble is not None:
                raise DeclinedError(f"it {trouble}")
            self._place.room.take(name, limits.memory_bytes)
            taken = None if self._spare is None else await self._spare.take(order, limits)
            if taken is not None:
                return _Candidate(taken.part, taken.folder, taken.cgroup)
            await self.make_way()
            spec, cgroup = await asyncio.to_thread(self._spec, order, folder, limits)
        except (ModelError, EnvironmentBuildError, OSError, ValueError) as error:
            raise DeclinedError(str(error)) from error
        part = self._place.make_part(spec)
        part.begin()
        return _Candidate(part, folder, cgroup)

    def _spec(self, order: Start, folder: Path, limits: Limits) -> tuple[PartSpec, str | None]:
        """Lay out its files, and what it may see. Raises DeclinedError, ModelError, EnvironmentBuildError, OSError."""
        name = order.deployment_id
        folder.mkdir(parents=True)
        link_files(Path(order.folder), order.files, folder)
        confinement = self._place.confine(order, name, limits)
        if confinement.uid is not None:
            open_up(folder)
        prepared = at_hand(folder, self._place.environments)
        if prepared is None:
            raise DeclinedError("its environment is not at hand")
        socket = runner_socket(self._place.run_path, name)
        socket.parent.mkdir(mode=0o700, exist_ok=True)
        waits_s = WORD_S + (limits.load_seconds or 0.0)
        told = ("--awaits-word", f"{waits_s:g}", "--libraries", ",".join(order.libraries))
        spec = runner_spec(name, folder, socket, confinement, prepared.python, name=name, arguments=told)
        return replace(spec, is_candidate=True), confinement.cgroup

    def _forget(self, name: str) -> None:
        if self._spare is not None:
            self._spare.forget(name)

    async def _held(self, name: str, one: _Candidate, reader: StreamReader, writer: StreamWriter) -> None:
        """Until whoever asked for it goes away."""
        reading = watched.awaited(next_order(reader))
        ending = watched.awaited(one.part.ended.wait())
        try:
            while True:
                await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
                if ending.done():
                    await send_answer(writer, one.end())
                    ending = watched.awaited(never())  # it is told once
                if reading.done():
                    order = reading.result()
                    if order is None:
                        return
                    await self._obey(name, one, order, writer)
                    reading = watched.awaited(next_order(reader))
        finally:
            reading.cancel()
            ending.cancel()

    async def _obey(self, name: str, one: _Candidate, order: Order, writer: StreamWriter) -> None:
        if isinstance(order, Keep):
            one.part.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KEEP_S):
                    await either(one.part.ready, one.part.ended)
            if one.part.ready.is_set():
                one.sha256 = order.sha256
                await send_answer(writer, Kept())
                return
        if isinstance(order, Keep | Leave):
            await self._drop(name)
