"""The deployer's Unix socket: jobs are submitted, followed line by line, accepted and cancelled."""

import asyncio
import contextlib
import os
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from gateway.deployer.protocol import (
    Accepted,
    BranchGone,
    Cancel,
    Deliver,
    Ended,
    Follow,
    FrameReader,
    FromDeployer,
    JobPrepared,
    Line,
    Refused,
    Removed,
    Submit,
    Taken,
    ToDeployer,
    UpstreamBranchGone,
    encode,
)
from model_runner.decode_errors import UNREADABLE
from storage import registry
from storage.registry import Job, NewJob, RegistryError
from tidegate.deployer.jobs.acceptance import born
from tidegate.deployer.jobs.ledger import NoRoomError
from tidegate.deployer.jobs.service import Deployer, TooLateError

log = structlog.get_logger()

READ_BYTES = 65_536


class DeliveryRefusedError(Exception):
    """A webhook that this deployer is not set up for."""


_GONE: tuple[type[Exception], ...] = (ConnectionError, *UNREADABLE)


class SocketServer:
    """Each connection carries one message, and its answers."""

    def __init__(
        self,
        deployer: Deployer,
        owner: str,
        github_place: Callable[[int], tuple[str, str] | None],
        remove_previews: Callable[[str, str, str], int],
    ) -> None:
        """
        Args:
            github_place: workspace and model of a connection, by its number; None where there is none.
            remove_previews: given workspace, model and branch, ends the previews; how many there were.
        """
        self._deployer = deployer
        self._ledger = deployer.ledger
        self._owner = owner
        self._github_place = github_place
        self._remove_previews = remove_previews

    async def start(self, path: Path) -> asyncio.Server:
        """Listen, for the owner of the folder only."""
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, at the start
        mask = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self._serve, path)
        finally:
            os.umask(mask)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            message = await _read(reader)
            if message is not None:
                await self._answer(message, writer)
        except (RegistryError, TooLateError, DeliveryRefusedError, NoRoomError) as error:
            await _send(writer, Refused(str(error)))
        except _GONE as error:
            log.info("deployer.client_gone", reason=str(error))
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, message: ToDeployer, writer: StreamWriter) -> None:
        match message:
            case Submit():
                job, _ = await self._deployer.submit(_push(message, self._owner))
                await _send(writer, Taken(job.id))
                await self._follow(writer, job.id, 0)
            case Deliver():
                new = await asyncio.to_thread(self._delivered, message)
                # One webhook is for every model of its repository.
                delivery = f"{message.delivery}:{message.connection}" if message.connection else message.delivery
                job, is_new = await self._deployer.submit(new, delivery)
                await _send(writer, Taken(job.id, is_new))
            case Follow(job=number, after=after):
                await self._follow(writer, number, after)
            case Accepted():
                await self._accepted(message, writer)
            case BranchGone():
                place = (message.workspace, message.model, message.branch)
                await _send(writer, Removed(await asyncio.to_thread(self._remove_previews, *place)))
            case UpstreamBranchGone(connection=connection, branch=branch):
                gone = (*await asyncio.to_thread(self._place, connection), branch)
                await _send(writer, Removed(await asyncio.to_thread(self._remove_previews, *gone)))
            case Cancel(job=number):
                await _send(writer, _ended(await self._deployer.cancel(number)))

    async def _accepted(self, message: Accepted, writer: StreamWriter) -> None:
        job = await self._deployer.accept(message)
        if job is None:
            await _send(writer, Refused(f"no job has prepared {message.commit}: push an empty commit"))
            return
        await _send(writer, Taken(job.id))
        await self._follow(writer, job.id, _said_before_switch(job))

    async def _follow(self, writer: StreamWriter, number: int, after: int) -> None:
        """Lines until the job is over."""
        told_prepared = False
        while True:
            news = self._ledger.news
            job = await self._ledger.read(registry.get_job, number)
            for line in await self._ledger.lines(number, after):
                after = line.number
                await _send(writer, Line(line.number, line.text))
            if job.is_over:
                await _send(writer, _ended(job))
                return
            if job.prepared is not None and not told_prepared:
                told_prepared = True
                await _send(writer, JobPrepared(number))
            await news.wait()

    def _place(self, connection: int) -> tuple[str, str]:
        """Workspace and model. Raises DeliveryRefusedError."""
        place = self._github_place(connection)
        if place is None:
            raise DeliveryRefusedError("the repository was disconnected: `tidegate github list` shows what is")
        return place

    def _delivered(self, message: Deliver) -> NewJob:
        workspace, model = self._place(message.connection)
        return NewJob(
            owner=self._owner,
            kind="github",
            workspace=workspace,
            model=model,
            branch=message.branch,
            commit=message.commit,
            source={"delivery": message.delivery, "preview": message.preview, "connection": message.connection},
        )


def _said_before_switch(job: Job) -> int:
    return int((job.prepared or {}).get("lines", 0))


def _push(message: Submit, owner: str) -> NewJob:
    source = {
        "folder": message.folder,
        "received_s": message.received_s,
        "repository": message.repository,
        "before": message.before,
        "preview": message.preview,
        "pusher": message.pusher,
        "pusher_since": born(message.pusher),
        "url": message.url,
        "refs": message.refs,
    }
    return NewJob(
        owner=owner,
        kind="push",
        workspace=message.workspace,
        model=message.model,
        branch=message.branch,
        commit=message.commit,
        source=source,
    )


def _ended(job: Job) -> Ended:
    return Ended(job.id, job.state.value, job.error)


async def _read(reader: StreamReader) -> ToDeployer | None:
    frames = FrameReader()
    while data := await reader.read(READ_BYTES):
        for frame in frames.feed(data):
            message: ToDeployer = msgspec.msgpack.decode(frame, type=ToDeployer)
            return message
    return None


async def _send(writer: StreamWriter, message: FromDeployer) -> None:
    writer.write(encode(message))
    await writer.drain()
