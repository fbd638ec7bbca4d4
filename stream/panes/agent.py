"""Agent 1: `inference.events` to cumulative panes on `feature.panes`."""

import asyncio
import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from stream.broker.incarnations import topic_id_bytes
from stream.config import StreamConfig
from stream.contracts import panes
from stream.contracts.dead_letters import Reason
from stream.contracts.panes import Pane
from stream.contracts.topics import StateTable, Topic
from stream.exact.agent import Agent, Owner, StepOutput
from stream.exact.changelog import pack_value
from stream.exact.kept_twice import newest, other
from stream.exact.ports import AgentApp, StateValues
from stream.intake.catalog import Catalog
from stream.intake.events import Intake, Record, read_records
from stream.intake.leaving import Leaving
from stream.intake.unknown import without
from stream.panes.partition_counter import PartitionCounter
from stream.prometheus import EVENTS_COUNTED, SET_ASIDE


@dataclass(eq=False, kw_only=True)
class CountOwner(Owner):
    """The panes of one partition of `inference.events`."""

    counter: PartitionCounter
    next_name: str = ""
    """Of the state that is written next (kept_twice.py)."""
    written: int = -1
    """The next offset of the state that was written last."""

    def next_offset(self, _topic: str) -> int:
        return self.counter.next_offset

    def skip(self, _topic: str, offset: int) -> None:
        self.counter.next_offset = offset + 1

    def check(self) -> None:
        self.counter.pack()
        for pane in self.counter.changed():
            panes.encode(pane)

    def mend(self) -> Iterator[tuple[str, Exception]]:
        for pane in (*self.counter.closed, *self.counter.open.values()):
            try:
                msgspec.msgpack.encode(pane.pack())
                panes.encode(pane.to_pane(self.counter.topic_id, self.partition))
            except Exception as error:  # whatever it is
                self.counter.drop(pane)
                yield pane.identity.deployment_id, error

    def put_back(self, counter: PartitionCounter) -> None:
        self.counter = counter


class Counting(Agent[CountOwner, Intake]):
    """Feeds a PartitionCounter for each partition that this worker holds."""

    label = "counting"
    table = StateTable.COUNTS

    def __init__(
        self, app: AgentApp, table: StateValues, catalog: Catalog, config: StreamConfig, topic_id: str
    ) -> None:
        self._topic = config.layout.name(Topic.EVENTS)
        super().__init__(app, table, config, [self._topic])
        self._catalog = catalog
        self._topic_id = topic_id
        self._leaving = Leaving()

    def _restore(self, partition: int) -> CountOwner:
        self._leaving.start_anew()
        values, damage = self._table.values_of(partition, topic_id_bytes(self._topic_id))
        found = newest(
            values,
            damage,
            lambda value: PartitionCounter.unpack(value, partition),
            lambda counter: (counter.next_offset,),
        )
        counter = found.state or PartitionCounter(self._topic_id, partition)
        lost = (
            f"events are counted on from the newest that can be read, at offset {counter.next_offset}; where a profile "
            "was learned since, its deployment's events since then may be counted against both"
            if found.state is not None
            else "no other can be read: events are counted again from the first that the topic still has; older "
            "ones are not in the panes that are sent from now on"
        )
        return CountOwner(
            partition=partition,
            counter=counter,
            next_name=found.next_name,
            damage=found.damage,
            remedy=lost,
        )

    def _read(self, _topic: str, records: Sequence[Record]) -> Intake:
        return read_records(records)

    async def _learn(self, read: Intake) -> None:
        unknown = {event.deployment_id for event in read.events} - self._catalog.targets.keys()
        if unknown - self._catalog.endings.keys():
            await self._catalog.read_to_end()

    async def flush(self) -> None:
        """And write letters for the deployments that cannot be learned: this worker counts nothing for them."""
        await self._look_for_ends()
        await super().flush()
        deployments = self._config.layout.name(Topic.DEPLOYMENTS)
        sent = []
        while self._catalog.refused:
            reject = self._catalog.refused.popleft()
            if reject.reason is Reason.SET_ASIDE:
                SET_ASIDE.labels(deployments).inc()
            sent.append(await self._sender.dead_letter(deployments, 0, reject))
        await asyncio.gather(*sent)

    async def _look_for_ends(self) -> None:
        """How far the events of deployments that ended may reach; where the broker does not say it, the next time."""
        ended = self._catalog.endings.keys() & self._catalog.targets.keys()
        due = self._leaving.due(ended, time.monotonic())
        if due:
            ends = await self._app.ends_of(self._topic, self.inputs[self._topic].expected)
            if ends.keys() == self.inputs[self._topic].expected.keys():  # also of what came meanwhile
                self._leaving.set_goals(due, ends)

    def _let_go(self) -> None:
        """Forget the deployments that ended once all that was under way then is counted."""
        next_offsets = {p: expected.next_offset for p, expected in self.inputs[self._topic].expected.items()}
        for deployment_id in self._leaving.over(next_offsets):
            self._catalog.forget(deployment_id)
        for owner in self.owners.values():
            if owner.counter.keep_only(self._catalog.targets):
                owner.written = -1

    def _undo(self, owner: CountOwner, _read: Intake) -> Callable[[], None]:
        saved = copy.deepcopy(owner.counter)
        return lambda: owner.put_back(saved)

    def _apply(self, owner: CountOwner, _topic: str, records: Sequence[Record], read: Intake) -> StepOutput:
        known = without(read, records, self._catalog.targets, self._catalog.endings)
        owner.counter.add(known.events, known.offsets, records[-1].offset, self._catalog.targets)
        EVENTS_COUNTED.inc(len(known.events))
        return StepOutput(rejects=known.rejects)

    async def _flush(self, owner: CountOwner) -> None:
        """Write the state, send its panes, and forget closed ones that the broker has."""
        counter = owner.counter
        if owner.written == counter.next_offset and not any(pane.changed for pane in counter.closed):
            return
        try:
            changed = counter.changed()
            encoded = [(pane.deployment_id, panes.encode(pane)) for pane in changed]
            value = pack_value(topic_id_bytes(counter.topic_id), counter.next_offset - 1, counter.pack())
        except Exception as error:  # see `_doubt`
            await self._doubt(owner, error)
            return
        counter.count_as_sent()
        self._table.put(owner.partition, owner.next_name, value)
        self._table.mended(owner.partition)
        owner.next_name = other(owner.next_name)
        owner.written = counter.next_offset
        await self._send_panes(owner, changed, encoded)

    async def _send_panes(self, owner: CountOwner, changed: list[Pane], encoded: list[tuple[str, bytes]]) -> None:
        await asyncio.gather(*[await self._sender.send(Topic.PANES, key, value) for key, value in encoded])
        if owner.counter.acknowledge(changed):
            owner.written = -1
