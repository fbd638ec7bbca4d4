"""The records of the partitions that a worker holds: in order, each once, gathered until somebody wants them."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from stream.exact.offset_sequence import OffsetSequence, OffsetVerdict
from stream.exact.ports import AgentApp
from stream.intake.events import Record
from stream.prometheus import GAPS, RECORDS_READ

log = structlog.get_logger()

SEEK_AGAIN_S = 2.0
"""A seek that was overtaken is made again after this."""


@dataclass(eq=False, slots=True)
class HeldPartition:
    """One partition during one assignment of it. What was gathered for it goes with it."""

    topic: str
    partition: int
    expected: OffsetSequence
    pending: list[Record] = field(default_factory=list)
    pending_bytes: int = 0
    held: bool = True
    """False for ever once the partition was taken away, or assigned anew."""
    sought_at: float = 0.0

    def take(self) -> list[Record]:
        """All that was gathered."""
        taken, self.pending, self.pending_bytes = self.pending, [], 0
        return taken

    def let_go(self) -> None:
        self.held = False
        self.take()


class TopicInput:
    """Of one topic. `assign` comes with every assignment; a partition without it is not ours."""

    def __init__(self, app: AgentApp, topic: str) -> None:
        self._app = app
        self.topic = topic
        self.holdings: dict[int, HeldPartition] = {}

    @property
    def expected(self) -> dict[int, OffsetSequence]:
        """By partition, what is taken next."""
        return {partition: holding.expected for partition, holding in list(self.holdings.items())}

    @property
    def pending_bytes(self) -> int:
        return sum(holding.pending_bytes for holding in self.holdings.values())

    def reached(self, ends: Mapping[int, int]) -> bool:
        """Whether all before these offsets was taken, of the partitions that are still held."""
        return all(expected.next_offset >= ends.get(partition, 0) for partition, expected in self.expected.items())

    def assign(self, partition: int, next_offset: int) -> HeldPartition:
        self.revoke(partition)
        holding = self.holdings[partition] = HeldPartition(self.topic, partition, OffsetSequence(next_offset))
        return holding

    def revoke(self, partition: int) -> None:
        holding = self.holdings.pop(partition, None)
        if holding is not None:
            holding.let_go()

    async def read(self, stream: Any, batch_bytes: int, when_full: Callable[[], Awaitable[None]]) -> None:
        """Gather the stream's records; call `when_full` each time that `batch_bytes` of them wait."""
        async for event in stream.events():
            message = event.message
            record = Record(message.offset, int(message.timestamp * 1000), message.value or b"")
            await self.gather(message.partition, record)
            if self.pending_bytes >= batch_bytes:
                await when_full()

    async def gather(self, partition: int, record: Record) -> None:
        """Keep the record if it is the next of its partition."""
        holding = self.holdings.get(partition)
        if holding is None:
            return
        gaps = holding.expected.gaps
        verdict = holding.expected.judge(record.offset)
        if verdict is OffsetVerdict.SEEK:
            await self._seek(holding)
        elif verdict is OffsetVerdict.TAKE:
            RECORDS_READ.labels(self.topic).inc()
            GAPS.labels(self.topic).inc(holding.expected.gaps - gaps)
            holding.pending.append(record)
            holding.pending_bytes += len(record.value)

    async def seek_missing(self) -> None:
        """Ask again for records that are still missing: a seek may be overtaken by a fetch that was under way."""
        for holding in list(self.holdings.values()):
            missing = holding.held and holding.expected.ahead is not None
            if missing and time.monotonic() - holding.sought_at > SEEK_AGAIN_S:
                await self._seek(holding)

    async def _seek(self, holding: HeldPartition) -> None:
        holding.sought_at = time.monotonic()
        expected = holding.expected
        log.info(
            "input.reading_again",
            topic=self.topic,
            partition=holding.partition,
            at=expected.next_offset,
            found=expected.ahead,
        )
        await self._app.reposition(self.topic, holding.partition, expected.next_offset)
