"""The three agents of several workers without Faust or a broker: every await is a point where anything may come first.

A seeded driver decides what happens next: a record is delivered, a partition is taken away or given, a flush begins, or
one of the calls to the "broker" that wait is answered.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from stream.alerting.agent import Alerting
from stream.config import StreamConfig
from stream.contracts.topics import Topic, TopicLayout
from stream.exact.agent import Agent
from stream.exact.changelog import Changelog, Damage
from stream.intake.catalog import Catalog
from stream.panes.agent import Counting
from stream.rebuilding.rebuilder import Rebuilding
from stream.windows.agent import Evaluating

TOPIC_ID = "A" * 22
PARTITIONS = 2
LAYOUT = TopicLayout(event_partitions=PARTITIONS, metric_partitions=PARTITIONS)
TABLES = ("counting", "evaluating", "alerting")
Place = tuple[str, int]


@dataclass
class Log:
    """What the broker holds: topics, and the changelogs of the tables in the order of their writes."""

    rng: random.Random
    records: dict[Place, list[tuple[bytes, bytes]]] = field(default_factory=lambda: defaultdict(list))
    changelogs: dict[tuple[str, int], list[tuple[bytes, bytes | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    """Calls that are not answered yet."""
    hasty: bool = False
    """Every call is answered at once."""
    late: float = 0.0
    """Seconds by which the agents' clock is ahead."""

    async def pause(self) -> None:
        if self.hasty:
            await asyncio.sleep(0)
            return
        call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(call)
        await call

    def answer(self, index: int) -> None:
        self.waiting.pop(index).set_result(None)

    def append(self, topic: str, key: bytes, value: bytes) -> None:
        self.records[topic, sum(key) % PARTITIONS].append((key, value))

    def values(self, topic: Topic) -> list[bytes]:
        return [value for p in range(PARTITIONS) for _, value in self.records[LAYOUT.name(topic), p]]


class Table:
    """A worker's copy of one changelog, as `ExactTable` is one."""

    partitions = PARTITIONS

    def __init__(self, log: Log, name: str) -> None:
        self._log = log
        self._name = name
        self._kept = Changelog({})

    def recover(self, partition: int) -> None:
        """Read one partition from its beginning."""
        before = self._kept
        self._kept = Changelog(
            {key: record for key, record in before.data.items() if before.partition_of(key) != partition}
        )
        for offset, (key, record) in enumerate(self._log.changelogs[self._name, partition]):
            self._kept.take(partition, offset, key, record)

    def values_of(self, partition: int, incarnation: bytes) -> tuple[dict[str, bytes], list[Damage]]:
        return self._kept.values_of(partition, incarnation)

    def put(self, partition: int, name: str, value: bytes | None) -> None:
        if value is None:
            self._remove(partition, self._kept.keys_of(partition, name))
            return
        records, removed = self._kept.split(partition, name, value)
        for key, record in records:
            self._log.changelogs[self._name, partition].append((key, record))
            self._kept.data[key] = record
        self._remove(partition, removed)

    def mended(self, partition: int) -> None:
        self._remove(partition, list(self._kept.take_damaged(partition)))

    def _remove(self, partition: int, keys: list[bytes]) -> None:
        for key in keys:
            self._kept.data.pop(key, None)
            self._log.changelogs[self._name, partition].append((key, None))


TOO_SLOW = 0.3
"""Of the times that a catalog is asked to catch up."""


class SimulatedCatalog(Catalog):
    """Learns what was announced when it is asked to catch up, or comes to no end of it in time."""

    def __init__(self, log: Log) -> None:
        super().__init__("nowhere:1", LAYOUT.name(Topic.DEPLOYMENTS))
        self._log = log

    async def catch_up(self) -> Any:
        await self._log.pause()
        if not self._log.hasty and self._log.rng.random() < TOO_SLOW:
            return False
        for value in self._log.values(Topic.DEPLOYMENTS):
            self.take(value)
        return True


class SimulatedWorker:
    """One worker: the real agents on a simulated app."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.assigned: dict[Place, int] = {}
        """The position of each partition held."""
        self.queues: dict[str, asyncio.Queue[Any]] = {}
        config = StreamConfig("nowhere:1", LAYOUT, Path(), batch_bytes=600)
        self.tables = {name: Table(log, name) for name in TABLES}
        self.catalog = SimulatedCatalog(log)
        windows, metrics = cast(Any, self.tables["evaluating"]), cast(Any, self.tables["alerting"])
        past = Rebuilding(None, self.catalog, ("", windows, TOPIC_ID), ((), metrics, TOPIC_ID), TOPIC_ID)
        self.agents: dict[str, Agent[Any, Any]] = {
            "counting": Counting(self, self.tables["counting"], self.catalog, config, TOPIC_ID),
            "evaluating": Evaluating(self, self.tables["evaluating"], self.catalog, config, past),
            "alerting": Alerting(self, self.tables["alerting"], self.catalog, config, past, self._clock),
        }
        self.tasks: dict[str, asyncio.Task[None]] = {}
        for agent in self.agents.values():
            for topic in agent.inputs:
                self.queues[topic] = asyncio.Queue()
                self.tasks[topic] = asyncio.create_task(agent.run(topic, self._stream(topic)))

    async def publish(self, topic: str, key: bytes, value: bytes) -> Awaitable[Any]:
        await self.log.pause()
        self.log.append(topic, key, value)
        return asyncio.ensure_future(self.log.pause())

    async def reposition(self, topic: str, partition: int, offset: int) -> None:
        await self.log.pause()
        if (topic, partition) in self.assigned:
            self.assigned[topic, partition] = offset

    async def ends_of(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        ends = {partition: len(self.log.records[topic, partition]) for partition in partitions}
        await self.log.pause()
        return ends

    def places(self, name: str, partition: int) -> list[Place]:
        return [(topic, partition) for topic in self.agents[name].inputs]

    def assign(self, name: str, partition: int) -> None:
        self.tables[name].recover(partition)
        for topic, _ in self.places(name, partition):
            self.assigned[topic, partition] = self.agents[name].resume(topic, partition)

    def revoke(self, name: str, partition: int) -> None:
        for place in self.places(name, partition):
            self.assigned.pop(place, None)
            self.agents[name].revoke(partition)

    def deliver(self, place: Place) -> None:
        """The next record of a partition into the queue of its agent, where it may wait."""
        position = self.assigned[place]
        self.assigned[place] = position + 1
        value = self.log.records[place][position][1]
        message = SimpleNamespace(offset=position, partition=place[1], timestamp=BASE, value=value)
        self.queues[place[0]].put_nowait(SimpleNamespace(message=message))

    def deliverable(self) -> list[Place]:
        return [place for place, position in self.assigned.items() if position < len(self.log.records[place])]

    def flush(self, name: str) -> None:
        """Begin one, where none is under way."""
        before = self.tasks.get(f"flush {name}")
        if before is None or before.done():
            self.tasks[f"flush {name}"] = asyncio.create_task(self._flush(name))

    def raise_failures(self) -> None:
        for task in self.tasks.values():
            if task.done() and not task.cancelled():
                task.result()

    def _clock(self) -> float:
        return time.time() + self.log.late

    async def _flush(self, name: str) -> None:
        await self.agents[name].flush()
        for inputs in self.agents[name].inputs.values():
            for holding in inputs.holdings.values():
                holding.sought_at = -1e9  # no clock decides when it asks again
            await inputs.seek_missing()

    def _stream(self, topic: str) -> Any:
        async def events() -> AsyncIterator[Any]:
            while True:
                yield await self.queues[topic].get()

        return SimpleNamespace(events=events)


BASE = 1_800_000_000.0


class Simulation:
    """`run` does whatever the seed says; `settle` lets one worker finish all that is left."""

    def __init__(self, seed: int, workers: int = 2) -> None:
        self.rng = random.Random(seed)
        self.log = Log(self.rng)
        self.workers = [SimulatedWorker(self.log) for _ in range(workers)]
        self.holders: dict[tuple[str, int], SimulatedWorker] = {}

    async def run(self, steps: int) -> None:
        for _ in range(steps):
            self._step()
            for _ in range(self.rng.randrange(4)):
                await asyncio.sleep(0)
            for worker in self.workers:
                worker.raise_failures()

    async def settle(self) -> None:
        """No more rebalances, and all calls are answered."""
        self.log.hasty = True
        while self.log.waiting:
            self.log.answer(0)
        for name in TABLES:
            for partition in range(PARTITIONS):
                self._move(name, partition, self.workers[0])
        quiet = 0
        while quiet < 5:
            places = self.workers[0].deliverable()
            quiet = 0 if places else quiet + 1
            for place in places:
                while self.workers[0].assigned[place] < len(self.log.records[place]):
                    self.workers[0].deliver(place)
            for name in TABLES:
                await self._turns(50)
                self.workers[0].flush(name)
                await self._turns(50)
                await self.workers[0].tasks[f"flush {name}"]
            self.workers[0].raise_failures()

    async def close(self) -> None:
        tasks = [task for worker in self.workers for task in worker.tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def changelog_of(self, table: str) -> str:
        """Its topic."""
        return LAYOUT.changelog(self.workers[0].agents[table].table).name

    def produce(self, topic: Topic, partition: int, value: bytes) -> None:
        self.log.records[LAYOUT.name(topic), partition].append((b"", value))

    def _step(self) -> None:
        choice = self.rng.random()
        if choice < 0.45 and self.log.waiting:
            self.log.answer(self.rng.randrange(len(self.log.waiting)))
        elif choice < 0.80:
            self._deliver()
        elif choice < 0.90:
            self.rng.choice(self.workers).flush(self.rng.choice(TABLES))
        else:
            name, partition = self.rng.choice(TABLES), self.rng.randrange(PARTITIONS)
            self._move(name, partition, self.rng.choice([None, *self.workers]))

    def _deliver(self) -> None:
        worker = self.rng.choice(self.workers)
        places = worker.deliverable()
        if places:
            worker.deliver(self.rng.choice(places))

    def _move(self, name: str, partition: int, to: SimulatedWorker | None) -> None:
        """A rebalance: the same worker may get back what it lost."""
        holder = self.holders.pop((name, partition), None)
        if holder is not None:
            holder.revoke(name, partition)
        if to is not None:
            to.assign(name, partition)
            self.holders[name, partition] = to

    async def _turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)
