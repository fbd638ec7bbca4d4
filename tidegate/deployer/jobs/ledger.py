"""The deployer's way to its jobs in the registry: off the event loop, and whoever waits for news is woken."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy.exc import OperationalError

from model_runner.disk.space import is_full, no_room
from model_runner.plain_text import printable, quoted_text
from storage import registry
from storage.registry import Database, Job, JobLine, JobState, Status, UnknownDeploymentError

log = structlog.get_logger()

ROOM_S = 1.0
"""Between two attempts to write to a disk that is full."""
P = ParamSpec("P")
T = TypeVar("T")


class NoRoomError(Exception):
    """The registry's disk is full; the message says how much is free."""


class Ledger:
    """Every change goes through here."""

    def __init__(self, database: Database, disk: Path) -> None:
        """`disk`: somewhere on that of the registry."""
        self.trouble: str | None = None
        """Why a change waits; None while none does."""
        self._database = database
        self._disk = disk
        self._news = asyncio.Event()

    @property
    def news(self) -> asyncio.Event:
        """Set at the next change. Take it before you read, so that no change is missed."""
        return self._news

    def tell(self) -> None:
        """Wake who waits for news."""
        told, self._news = self._news, asyncio.Event()
        told.set()

    async def change(self, function: Callable[Concatenate[Database, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """One of the registry's functions that changes something. It waits for room on a disk that is full."""
        try:
            while True:
                try:
                    return await self.read(function, *args, **kwargs)
                except OperationalError as error:
                    if not is_full(error):
                        raise
                    self._waits(no_room(error, self._disk))
                await asyncio.sleep(ROOM_S)
        finally:
            self.trouble = None
            self.tell()

    async def add(self, function: Callable[Concatenate[Database, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for what is new, so that nobody waits for room who could be refused.

        Raises:
            NoRoomError: the disk is full.
        """
        try:
            return await self.read(function, *args, **kwargs)
        except OperationalError as error:
            if is_full(error):
                raise NoRoomError(no_room(error, self._disk)) from error
            raise
        finally:
            self.tell()

    def _waits(self, trouble: str) -> None:
        if self.trouble is None:
            log.error("deployer.no_room", reason=trouble)
        self.trouble = trouble

    async def read(self, function: Callable[Concatenate[Database, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(function, self._database, *args, **kwargs)

    async def say(self, job: int, texts: Iterable[str], stage: str | None = None) -> None:
        """Whatever they hold, a terminal that shows them stays as it is."""
        await self.change(registry.say, job, [printable(text) for text in texts], stage=stage)

    async def lines(self, job: int, after: int) -> list[JobLine]:
        return await self.read(registry.lines_of, job, after)

    async def end(self, job: int, state: JobState, error: str | None = None) -> Job:
        return await self.change(registry.end_job, job, state, None if error is None else quoted_text(error))

    async def was_live(self, deployment_id: str | None) -> bool:
        """Whether the deployment got the traffic, whatever came after."""
        return deployment_id is not None and await self.read(_was_live, deployment_id)

    async def abandon(self, deployment_id: str | None, reason: str) -> None:
        """A deployment that waits for its traffic will get none; any other stays as it is."""
        if deployment_id is not None:
            await self.change(_abandon, deployment_id, reason)


def _was_live(database: Database, deployment_id: str) -> bool:
    try:
        return registry.get_deployment(database, deployment_id).live_at is not None
    except UnknownDeploymentError:
        return False


def _abandon(database: Database, deployment_id: str, reason: str) -> None:
    try:
        found = registry.get_deployment(database, deployment_id)
    except UnknownDeploymentError:
        return
    if found.status is Status.STARTING:
        registry.fail_deployment(database, deployment_id, quoted_text(reason))
