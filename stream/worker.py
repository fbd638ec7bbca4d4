"""One stream worker: the Faust app, its three agents, their tables and timers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import faust
import structlog
from faust.types import TP

from stream.alerting.agent import Alerting
from stream.broker.incarnations import Incarnations
from stream.config import StreamConfig
from stream.contracts.topics import StateTable, Topic
from stream.exact.agent import Agent
from stream.exact.faust_app import make_app
from stream.exact.inputs import TopicInput
from stream.exact.table import ExactApp, ExactTable
from stream.intake.catalog import Catalog
from stream.panes.agent import Counting
from stream.prometheus import KEPT, LAG
from stream.rebuilding.history import History
from stream.rebuilding.rebuilder import Rebuilding
from stream.watched import Watched
from stream.windows.agent import Evaluating

log = structlog.get_logger()

HistoryMaker = Callable[[str, str], History]
"""Given the incarnations that `inference.events` and `feature.panes` have now."""

STALL_S = 30.0
"""Records wait and none was taken for so long: the consumer died quietly, and the supervisor is to start another."""


class StreamWorker:
    """Built once a process: `start`, watch `trouble`, then `drain` and `stop`."""

    def __init__(self, config: StreamConfig, history: HistoryMaker | None = None) -> None:
        """`history`: where the past of topics that were made anew is read; without it windows begin empty then."""
        self._config = config
        layout = config.layout
        self._tables: list[ExactTable] = []
        self.app: ExactApp = make_app(config)
        self._catalog = Catalog(config.bootstrap, layout.name(Topic.DEPLOYMENTS))
        inputs = [layout.name(topic) for topic in (Topic.EVENTS, Topic.PANES, Topic.DRIFT)]
        incarnations = Incarnations(config.bootstrap, inputs)
        now = time.monotonic()
        events, panes, drift = (incarnations.known(topic, now) for topic in inputs)
        counts, windows, alerts = (self._table(table) for table in StateTable)
        self.counting = Counting(self.app, counts, self._catalog, config, events)
        self.past = past = Rebuilding(
            history(events, panes) if history else None,
            self._catalog,
            (layout.name(Topic.PANES), windows, panes),
            ((layout.name(Topic.DRIFT), layout.name(Topic.SERVICE)), alerts, drift),
            events,
        )
        self.evaluating = Evaluating(self.app, windows, self._catalog, config, past)
        self.alerting = Alerting(self.app, alerts, self._catalog, config, past)
        self._parts: tuple[Agent[Any, Any], ...] = (self.counting, self.evaluating, self.alerting)
        self._declare_agents()
        self._watched = Watched()
        self._failure: BaseException | None = None
        self._started = False
        self._progress: tuple[int, float] = (-1, time.monotonic())

    async def start(self) -> None:
        await self._catalog.start()
        self.app.finalize()
        await self.app.start()
        self._started = True
        step = self._config.evaluation.step_s
        self._every(self._config.flush_s, self.counting.flush)
        self._every(step, self.evaluating.flush)
        self._every(self._config.flush_s, self.alerting.flush)

    def waits_for(self) -> str | None:
        """Until it holds its partitions and their state. May be asked by another thread at any time."""
        # Faust would make its consumer here and now, on the asking thread's event loop
        if self._started and self.app.consumer and self.app.consumer.assignment() and self.app.steady():
            return None
        return self.past.waits_for or "the assignment of partitions"

    def trouble(self) -> str | None:
        """Why this worker cannot go on; None while it can."""
        if self._failure is not None:
            return f"a task failed: {self._failure!r}"
        if died := self._watched.trouble() or self._catalog.trouble():
            return died
        if self.app.crashed:
            return f"faust crashed: {self.app.crash_reason!r}"
        taken = self._taken()
        if taken != self._progress[0] or self.lag() == 0 or not self.app.steady():
            self._progress = (taken, time.monotonic())
        if time.monotonic() - self._progress[1] > STALL_S:
            return f"{self.lag()} records wait and none was taken for {STALL_S:.0f} s"
        return None

    def lag(self) -> int:
        """Records of the partitions held here that were not taken yet."""
        total = 0
        for topic, partition, next_offset in self._positions():
            end = self.app.consumer.highwater(TP(topic, partition))
            behind = max(0, (end or 0) - next_offset)
            LAG.labels(topic, partition).set(behind)
            total += behind
        return total

    async def drain(self, deadline_s: float) -> bool:
        """Go on through what the topics hold now, and what follows from it; False where time ran out.

        One topic after the other, in the order of the data.
        """
        deadline = time.monotonic() + deadline_s
        for inputs in self._inputs():
            held = set(inputs.expected)
            ends: dict[int, int] = {}
            while len(ends) < len(held) or not inputs.reached(ends):
                if time.monotonic() > deadline:
                    return False
                if missing := held - ends.keys():
                    ends |= await self.app.ends_of(inputs.topic, missing)
                else:
                    await asyncio.sleep(0.05)
            await self._flush_all()
        return True

    async def stop(self) -> None:
        """Write what is in memory, then leave the group."""
        await self._watched.stop()
        if self.app.steady() and self._failure is None:
            await self._flush_all()
            await self.app.producer.flush()
        await self.app.stop()
        await self._catalog.stop()

    async def _flush_all(self) -> None:
        for part in self._parts:
            await part.flush()

    def _measure(self) -> None:
        """It grows with the deployments that live, and with nothing else."""
        counters = [owner.counter for owner in self.counting.owners.values()]
        kept = {
            "deployments": len(self._catalog.targets),
            "ended": len(self._catalog.endings),
            "windows": sum(len(owner.windows.deployments) for owner in self.evaluating.owners.values()),
            "panes": sum(len(counter.open) + len(counter.closed) for counter in counters),
            "alerts": sum(len(owner.engine.open) for owner in self.alerting.owners.values()),
            "values": sum(len(table.data) for table in self._tables),
        }
        for kind, number in kept.items():
            KEPT.labels(kind).set(number)

    def _taken(self) -> int:
        return sum(next_offset for _, _, next_offset in self._positions())

    def _positions(self) -> list[tuple[str, int, int]]:
        return [
            (i.topic, partition, e.next_offset) for i in self._inputs() for partition, e in list(i.expected.items())
        ]

    def _inputs(self) -> list[TopicInput]:
        return [inputs for part in self._parts for inputs in part.inputs.values()]

    def _every(self, interval: float, action: Callable[[], Awaitable[None]]) -> None:
        async def repeat() -> None:
            while True:
                await asyncio.sleep(interval)
                if self.app.steady():
                    try:
                        await action()
                        self._measure()
                        for inputs in self._inputs():
                            await inputs.seek_missing()
                    except Exception as error:  # reported by `trouble`; the supervisor starts another worker
                        log.exception("flush.failed")
                        self._failure = error
                        return

        self._watched.start(repeat(), f"flush every {interval:g} s")

    def _table(self, table: StateTable) -> ExactTable:
        made = self.app.exact_table(table.value, self._config.layout.partitions_of(table))
        self._tables.append(made)
        return made

    def _declare_agents(self) -> None:
        for name, part in zip(("count", "evaluate", "alert"), self._parts, strict=True):
            for topic in part.inputs:
                self._agent(f"{name}-{topic}", topic, partial(part.run, topic))
                self.app.resume_from[topic] = partial(part.resume, topic)
        self.app.before_resume = self.past.prepare
        self.app.on_partitions_revoked.connect(cast(Any, self._on_revoked))

    def _agent(self, name: str, topic: str, run: Callable[[Any], Awaitable[None]]) -> None:
        channel = self.app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

        async def agent(stream: faust.StreamT[bytes]) -> None:
            await run(stream)

        self.app.agent(channel, name=name)(agent)

    async def _on_revoked(self, *args: Any, **_kwargs: Any) -> None:
        revoked: set[TP] = args[1]
        for part in self._parts:
            for tp in revoked:
                if tp.topic in part.inputs:
                    part.revoke(tp.partition)
