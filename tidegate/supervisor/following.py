"""Follows the registry: has the launcher run what is wanted there, and puts to sleep what nobody asks."""

import asyncio
import logging
import time
from collections.abc import Sequence

from storage.registry import (
    Database,
    DesiredRunner,
    desired_runners,
    forget_addresses,
    last_requests,
    put_to_sleep,
)
from storage.registry.idle import MAY_SLEEP
from tidegate.parts.launcher import Launcher
from tidegate.supervisor.candidates import Candidates
from tidegate.supervisor.idleness import IdleCandidate, IdleWatch

POLL_S = 0.1
"""A look costs a quarter of a millisecond while nothing has changed; a push waits for two of them."""
IDLE_LOOK_S = 0.5
"""Between two looks at who was asked."""

log = logging.getLogger("tidegate.supervisor")


class Following:
    """One for each supervisor. No command reaches it: what it does follows from what it reads."""

    def __init__(
        self, dsn: str, launcher: Launcher, candidates: Candidates | None = None, *, are_here: bool = True
    ) -> None:
        """
        Args:
            candidates: those of the launcher, where it takes any.
            are_here: whether runners are on this machine, on Unix sockets: other addresses are of the past then.
        """
        self.first_pass = asyncio.Event()
        self.launcher = launcher
        self._candidates = candidates
        self._database = Database(dsn)
        self._revision = -1
        self._wanted: list[DesiredRunner] = []
        self._damaged: dict[str, str] = {}
        """Deployments whose rows cannot be read, and why."""
        self._settled = False
        self._must_forget = are_here
        self._trouble: str | None = None
        self._idle = IdleWatch()
        self._look_at = 0.0

    async def run(self) -> None:
        """Until it is cancelled."""
        if self._candidates is not None:
            await self._candidates.listen()
        while True:
            try:
                await self._turn()
            except Exception as error:  # the database's own kinds; what runs keeps running
                self._tell(f"the registry cannot be read: {error}")
            else:
                self._trouble = None
                self.first_pass.set()
            await asyncio.sleep(POLL_S)

    async def stop(self) -> None:
        """Stop what runs here."""
        await self.launcher.stop()
        self._database.close()

    @property
    def troubles(self) -> tuple[str, ...]:
        return (*([self._trouble] if self._trouble else []), *self._damaged.values(), *self.launcher.troubles)

    async def _turn(self) -> None:
        # Before the registry is read: who let one go has written there what is to become of it.
        released = set() if self._candidates is None else self._candidates.released()
        if await asyncio.to_thread(self._has_changed):
            self._settled = False
        if not self._settled:
            self._settled = await self.launcher.reconcile(self._wanted)
        if self._candidates is not None:
            await self._candidates.drop(released)
        sleepy = self._sleepy()
        if sleepy and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + IDLE_LOOK_S
            await asyncio.to_thread(self._put_to_sleep, sleepy)

    def _has_changed(self) -> bool:
        if self._must_forget:
            forget_addresses(self._database)
            self._must_forget = False
        revision = self._database.revision()
        if revision == self._revision:
            return False
        self._damaged = {}
        wanted = desired_runners(self._database, self._damaged)
        # What runs of them goes on.
        self._wanted = wanted + [one for one in self._wanted if one.deployment_id in self._damaged]
        for reason in self._damaged.values():
            log.error("%s", reason)
        self._revision = revision
        return True

    def _sleepy(self) -> list[DesiredRunner]:
        return [one for one in self._wanted if one.idle_seconds and not one.asleep and one.status in MAY_SLEEP]

    def _put_to_sleep(self, sleepy: Sequence[DesiredRunner]) -> None:
        last = last_requests(self._database, [one.deployment_id for one in sleepy])
        seen = [
            IdleCandidate(key, one.idle_seconds or 0.0, last.get(key), self.launcher.is_ready(key))
            for one in sleepy
            for key in [one.deployment_id]
        ]
        for one in self._idle.due(seen, time.monotonic()):
            if put_to_sleep(self._database, one.deployment_id, one.last_request_at):
                log.info("deployment %s sleeps: no request for %g s", one.deployment_id, one.idle_seconds)

    def _tell(self, trouble: str) -> None:
        if self._trouble != trouble:
            log.error("%s", trouble)
        self._trouble = trouble
