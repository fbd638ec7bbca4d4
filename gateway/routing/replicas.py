"""The runners of one deployment as one: each request goes to the ready one that has the least under way."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from model_runner import watched
from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import RunnerError, RunnerFailedError, RunnerUnavailableError
from model_runner.wire.frames import Reply, RunnerInfo

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.25
"""Between two looks at a runner that does not answer."""


class Replicas:
    """Belongs to one event loop. A deployment with one runner asks it directly, and waits for it while it restarts."""

    def __init__(
        self,
        addresses: Sequence[str],
        config: ClientConfig,
        token: str | None = None,
        on_lie: Callable[[str], None] = lambda _: None,
    ) -> None:
        """
        Args:
            addresses: where the runners listen, as model_runner.wire.client.RunnerClient takes them.
            token: what they are asked for over TCP.
            on_lie: called with what one of them sent that no runner sends.
        """
        self.asked = 0
        """Requests so far."""
        self.under_way = 0
        """Requests that have not been answered yet."""
        self._config = config
        self._token = token
        self._on_lie = on_lie
        self._addresses: tuple[str, ...] = ()
        self._only: RunnerClient | None = None
        self._several: dict[str, _Replica] = {}
        self._turn = 0
        self._someone_ready = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._retiring: set[asyncio.Task[None]] = set()
        self.move_to(addresses)

    def move_to(self, addresses: Sequence[str]) -> None:
        """Other runners from now on; those that stay keep their connection, and the others finish what they have."""
        if tuple(addresses) == self._addresses:
            return
        self._addresses = tuple(addresses)
        gone = [] if self._only is None else [self._only]
        self._only = None
        if len(self._addresses) == 1:
            self._only = RunnerClient(self._addresses[0], self._config, self._token, on_lie=self._on_lie)
            wanted: tuple[str, ...] = ()
        else:
            wanted = self._addresses
        for address in self._several.keys() - set(wanted):
            gone.append(self._several.pop(address).leave())
        for address in wanted:
            if address not in self._several:
                self._several[address] = self._replica(address)
        for client in gone:
            self._retire(client)

    async def predict(self, rows: Sequence[dict[str, Any]]) -> Reply:
        """One request through the model.

        A runner that goes away with the request in it costs nothing where there are others: the request is asked of
        one more. Not of a third, since it may be what ends them.

        Raises:
            RunnerError: one of its kinds.
            OverflowError: a row holds an integer of more than 64 bits.
        """
        self.asked += 1
        self.under_way += 1
        self._idle.clear()
        try:
            if self._only is not None:
                return await self._only.predict(rows)
            return await self._predict(rows)
        finally:
            self.under_way -= 1
            if not self.under_way:
                self._idle.set()

    async def describe(self, timeout_s: float = 2.0) -> RunnerInfo:
        """What one of them says about itself, a ready one where there is one. Raises RunnerError."""
        if self._only is not None:
            return await self._only.describe(timeout_s)
        chosen = self._choose()
        if chosen is None:
            raise RunnerUnavailableError(f"none of {len(self._several)} runners is ready")
        return await chosen.client.describe(timeout_s)

    async def close_when_idle(self, deadline_s: float) -> None:
        """Close once nothing is under way, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                await self._idle.wait()
        await self.close()

    async def close(self) -> None:
        """Requests under way fail with RunnerFailedError."""
        for task in self._retiring:
            task.cancel()
        clients = [replica.leave() for replica in self._several.values()]
        for client in [*clients, *([self._only] if self._only else [])]:
            await client.close()

    async def _predict(self, rows: Sequence[dict[str, Any]]) -> Reply:
        deadline = asyncio.get_running_loop().time() + self._config.reconnect_s
        asked_twice = False
        while True:
            replica = self._choose() or await self._next_ready(deadline)
            try:
                return await replica.client.predict(rows)
            except RunnerUnavailableError:
                # It took nothing on.
                replica.lost()
            except RunnerFailedError:
                replica.lost()
                if asked_twice:
                    raise
                asked_twice = True

    def _choose(self) -> "_Replica | None":
        ready = [replica for replica in self._several.values() if replica.ready]
        if not ready:
            return None
        # Of equal ones each in its turn, so that an idle deployment keeps all of them warm.
        self._turn += 1
        order = ready[self._turn % len(ready) :] + ready[: self._turn % len(ready)]
        return min(order, key=lambda replica: replica.client.under_way)

    async def _next_ready(self, deadline: float) -> "_Replica":
        """Raises RunnerUnavailableError."""
        while True:
            self._someone_ready.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._someone_ready.wait()
            found = self._choose()
            if found is not None:
                return found
            if asyncio.get_running_loop().time() >= deadline:
                raise RunnerUnavailableError(f"none of {len(self._several)} runners answers")

    def _replica(self, address: str) -> "_Replica":
        config = replace(self._config, reconnect_s=0.0)
        return _Replica(address, config, self._token, self._someone_ready, self._on_lie)

    def _retire(self, client: RunnerClient) -> None:
        task = watched.begin(client.close_when_idle(self._config.timeout_s), "closing of a client")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


class _Replica:
    """One of several runners: ready once it has said so, and until its connection is lost."""

    def __init__(
        self,
        address: str,
        config: ClientConfig,
        token: str | None,
        someone_ready: asyncio.Event,
        on_lie: Callable[[str], None],
    ) -> None:
        self.client = RunnerClient(address, config, token, on_lost=self.lost, on_lie=on_lie)
        self.ready = False
        self._someone_ready = someone_ready
        self._left = False
        self._looking: asyncio.Task[None] | None = None
        self.lost()

    def lost(self) -> None:
        """It does not answer: look at it until it does."""
        self.ready = False
        if self._looking is None and not self._left:
            self._looking = watched.begin(self._until_ready(), "look at a runner")

    def leave(self) -> RunnerClient:
        """Its client, to be closed by the caller."""
        self.ready = False
        self._left = True
        if self._looking is not None:
            self._looking.cancel()
        return self.client

    async def _until_ready(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                if (await self.client.describe()).state == "ready":
                    break
            except RunnerError:
                pass
            except Exception as error:  # whatever it answers, it is looked at again
                watched.died("look at a runner", error)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_S)
        self._looking = None
        self.ready = True
        self._someone_ready.set()
