"""What the three agents have in common: who owns a partition's state, and what becomes of a record that fails.

Records are bound to their owner before anything is awaited. A step has three parts: `read` decodes and changes nothing,
`learn` may await and changes nothing, `apply` changes the owner and awaits nothing. So a partition that is taken away
meanwhile costs work and never a count: what belongs to an owner that is gone is dropped; whoever has it now reads it.

A step that raises leaves the owner half changed. So it is taken up anew from its last written state, and the records
are read again, each alone. One that fails again is undone and set aside: a dead letter, and the worker goes on.
"""

import asyncio
import traceback
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import structlog

from stream.config import StreamConfig
from stream.contracts.dead_letters import DETAIL_CHARS, Reason
from stream.contracts.topics import StateTable, Topic
from stream.exact.changelog import Damage
from stream.exact.doubts import Doubts
from stream.exact.inputs import HeldPartition, TopicInput
from stream.exact.ports import AgentApp, Sent, StateValues
from stream.exact.sender import Sender
from stream.intake.events import Record, Reject
from stream.prometheus import FLUSH_SECONDS, SET_ASIDE, STARTED_OVER

log = structlog.get_logger()

TRACE_CHARS = 3000


@dataclass(eq=False, kw_only=True)
class Owner(ABC):
    """The state of one partition during one assignment of it."""

    partition: int
    holdings: dict[str, HeldPartition] = field(default_factory=dict)
    """By topic."""
    resumed: set[str] = field(default_factory=set)
    """Topics whose assignment it was made for."""
    damage: list[Damage] = field(default_factory=list)
    """Of the changelog, not told of yet."""
    remedy: str = ""
    """What is done about it."""

    @property
    def held(self) -> bool:
        return all(holding.held for holding in self.holdings.values())

    @abstractmethod
    def next_offset(self, topic: str) -> int:
        """Of its state: everything before it is in."""

    @abstractmethod
    def skip(self, topic: str, offset: int) -> None:
        """Count the record as read, without anything of it."""

    @abstractmethod
    def check(self) -> None:
        """Raise where what it holds cannot be written."""

    @abstractmethod
    def mend(self) -> Iterator[tuple[str, Exception]]:
        """Drop what cannot be written of a state as it was restored, and say of which deployment that was, and why."""


OwnerT = TypeVar("OwnerT", bound=Owner)
ReadT = TypeVar("ReadT")


@dataclass(slots=True)
class StepOutput:
    """What a step says to the world."""

    messages: list[tuple[Topic, str, bytes]] = field(default_factory=list)
    """Topic, key and value."""
    rejects: list[Reject] = field(default_factory=list)


class Agent(ABC, Generic[OwnerT, ReadT]):
    """Owns the partitions that were assigned to this worker, of one or more topics that are keyed alike."""

    label: ClassVar[str]
    table: ClassVar[StateTable]

    def __init__(self, app: AgentApp, table: StateValues, config: StreamConfig, topics: Sequence[str]) -> None:
        self._app = app
        self._table = table
        self._config = config
        self._changelog = config.layout.changelog(self.table).name
        self._sender = Sender(app, config)
        self._writing = asyncio.Lock()
        self._doubts = Doubts()
        self.inputs = {topic: TopicInput(app, topic) for topic in topics}
        self.owners: dict[int, OwnerT] = {}

    @abstractmethod
    def _restore(self, partition: int) -> OwnerT:
        """From the changelog's values."""

    @abstractmethod
    def _read(self, topic: str, records: Sequence[Record]) -> ReadT:
        """Decode. Changes nothing."""

    @abstractmethod
    async def _learn(self, read: ReadT) -> None:
        """Find out what has to be known first. Changes no owner, and raises only where no broker answers."""

    @abstractmethod
    def _undo(self, owner: OwnerT, read: ReadT) -> Callable[[], None]:
        """What brings the owner back to where it is now, after `_apply` of this."""

    @abstractmethod
    def _apply(self, owner: OwnerT, topic: str, records: Sequence[Record], read: ReadT) -> StepOutput:
        """Change the owner. Awaits nothing."""

    @abstractmethod
    async def _flush(self, owner: OwnerT) -> None:
        """Write what changed."""

    def resume(self, topic: str, partition: int) -> int:
        """Take up a partition where its state ends; the second topic of an assignment joins the first one's owner."""
        owner = self.owners.get(partition)
        if owner is None or topic in owner.resumed:
            owner = self._take_up(partition)
        owner.resumed.add(topic)
        return owner.holdings[topic].expected.next_offset

    def revoke(self, partition: int) -> None:
        self.owners.pop(partition, None)
        for inputs in self.inputs.values():
            inputs.revoke(partition)

    async def run(self, topic: str, stream: Any) -> None:
        await self.inputs[topic].read(stream, self._config.batch_bytes, self._take_batch)

    async def flush(self) -> None:
        """Take in what was gathered, and write the state of what changed."""
        async with self._writing:
            with FLUSH_SECONDS.labels(self.label).time():
                await self._take_in_all()
                await asyncio.gather(*[self._flush_held(owner) for owner in list(self.owners.values())])
                self._let_go()

    def _let_go(self) -> None:
        """Forget what is over. Awaits nothing."""

    async def _flush_held(self, owner: OwnerT) -> None:
        if owner.held:  # it may have been taken away since it was listed
            await self._tell_damage(owner)
            await self._flush(owner)

    async def _tell_damage(self, owner: OwnerT) -> None:
        """Before anything is written over it."""
        while owner.damage:
            damage = owner.damage[0]
            SET_ASIDE.labels(self._changelog).inc()
            log.error(
                "state.damaged", topic=self._changelog, partition=owner.partition, **damage._asdict() | {"raw": ""}
            )
            detail = f"the state {damage.name!r:.150} cannot be read ({damage.detail}): {owner.remedy}"
            reject = Reject(max(0, damage.offset), -1, Reason.SET_ASIDE, detail, damage.raw)
            await (await self._sender.dead_letter(self._changelog, owner.partition, reject))
            owner.damage.pop(0)

    async def _take_batch(self) -> None:
        async with self._writing:
            await self._take_in_all()

    async def _take_in_all(self) -> None:
        for owner in list(self.owners.values()):
            for topic, holding in owner.holdings.items():
                await self._take_in(owner, topic, holding.take())

    async def _take_in(self, owner: OwnerT, topic: str, records: Sequence[Record]) -> None:
        sent: list[Sent] = []
        for batch, alone in self._doubts.split((topic, owner.partition), records):
            if not owner.held:
                break
            outcome = await self._step(owner, topic, batch, alone)
            sent += await self._send(owner, topic, outcome)
        await asyncio.gather(*sent)

    async def _step(self, owner: OwnerT, topic: str, records: Sequence[Record], alone: bool) -> StepOutput:
        undo: Callable[[], None] | None = None
        try:
            read = self._read(topic, records)
        except Exception as error:  # whatever it is costs its record and nothing else
            return await self._failed(owner, topic, records, alone, undo, error)
        await self._learn(read)
        if not owner.held:
            return StepOutput()
        try:
            undo = self._undo(owner, read) if alone else None
            outcome = self._apply(owner, topic, records, read)
            if alone:
                owner.check()
        except Exception as error:  # likewise
            return await self._failed(owner, topic, records, alone, undo, error)
        return outcome

    async def _failed(
        self,
        owner: OwnerT,
        topic: str,
        records: Sequence[Record],
        alone: bool,
        undo: Callable[[], None] | None,
        error: Exception,
    ) -> StepOutput:
        if not alone:
            self._doubts.note((topic, owner.partition), records[-1].offset)
            await self._start_over(owner, error)
            return StepOutput()
        if undo is not None:
            undo()
        (record,) = records
        owner.skip(topic, record.offset)
        return StepOutput(rejects=[self._set_aside(topic, record.offset, record.value, error)])

    def _set_aside(self, topic: str, offset: int, raw: bytes, error: Exception) -> Reject:
        SET_ASIDE.labels(topic).inc()
        log.error("record.set_aside", topic=topic, offset=offset, trace=_trace(error))
        detail = f"{type(error).__name__}: {error}"[:DETAIL_CHARS]
        return Reject(offset, -1, Reason.SET_ASIDE, detail, raw)

    async def _doubt(self, owner: OwnerT, error: Exception) -> None:
        """The state cannot be written: one of the records since it was written last is at fault."""
        for topic in owner.holdings:
            self._doubts.note((topic, owner.partition), owner.next_offset(topic) - 1)
        await self._start_over(owner, error)

    async def _start_over(self, owner: OwnerT, error: Exception) -> None:
        """Whatever was half done is undone: the state as it was written last, and what came since read again."""
        if not owner.held:
            return
        STARTED_OVER.labels(self.label).inc()
        log.error("agent.starts_over", agent=self.label, partition=owner.partition, trace=_trace(error))
        successor = self._take_up(owner.partition)
        successor.resumed = owner.resumed
        await self._mend(successor)
        if not successor.held:
            return
        for topic, holding in successor.holdings.items():
            await self._app.reposition(topic, owner.partition, holding.expected.next_offset)

    async def _mend(self, owner: OwnerT) -> None:
        """No record is at fault where the state itself cannot be written: it would be taken up anew for ever."""
        (topic, *_) = owner.holdings
        for deployment_id, error in list(owner.mend()):
            reject = self._set_aside(topic, max(0, owner.next_offset(topic) - 1), b"", error)
            detail = f"what was kept of {deployment_id[:100]!r} cannot be written: {reject.detail}"
            await (await self._sender.dead_letter(topic, owner.partition, reject._replace(detail=detail)))

    def _take_up(self, partition: int) -> OwnerT:
        owner = self._restore(partition)
        for topic, inputs in self.inputs.items():
            owner.holdings[topic] = inputs.assign(partition, owner.next_offset(topic))
        self.owners[partition] = owner
        offsets: Mapping[str, int] = {topic: owner.next_offset(topic) for topic in self.inputs}
        log.info(f"{self.label}.resumed", partition=partition, next_offsets=offsets)
        return owner

    async def _send(self, owner: OwnerT, topic: str, outcome: StepOutput) -> list[Awaitable[Any]]:
        sent = [await self._sender.send(*message) for message in outcome.messages]
        letters = [await self._sender.dead_letter(topic, owner.partition, reject) for reject in outcome.rejects]
        return sent + letters


def _trace(error: Exception) -> str:
    """The end of its traceback; one that is drawn with all its values takes longer than counting a batch."""
    return "".join(traceback.format_exception(error))[-TRACE_CHARS:]
