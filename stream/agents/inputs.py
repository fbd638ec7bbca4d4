"""The records of the partitions that a worker holds: in order, each once, gathered until somebody wants them."""

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog
from faust.types import TP

from stream.exact import ExactApp
from stream.expected import ExpectedOffset, Verdict
from stream.intake import Record
from stream.metric_names import GAPS, RECORDS_READ

log = structlog.get_logger()

SEEK_AGAIN_S = 2.0
"""A seek that was overtaken is made again after this."""


@dataclass
class Inputs:
    """Of one topic. `assign` comes with every assignment; a partition without it is not ours."""

    app: ExactApp
    topic: str
    expected: dict[int, ExpectedOffset] = field(default_factory=dict)
    pending: dict[int, list[Record]] = field(default_factory=dict)
    pending_bytes: int = 0
    _took_at: dict[int, float] = field(default_factory=dict)
    _sought_at: dict[int, float] = field(default_factory=dict)

    def took_at(self, partition: int) -> float:
        """When the last record of a partition was taken (monotonic clock); 0 where none was yet."""
        return self._took_at.get(partition, 0.0)

    def assign(self, partition: int, next_offset: int) -> int:
        self._forget_pending(partition)
        self.expected[partition] = ExpectedOffset(next_offset)
        return next_offset

    def revoke(self, partition: int) -> None:
        self._forget_pending(partition)
        self.expected.pop(partition, None)

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
        expected = self.expected.get(partition)
        if expected is None:
            return
        gaps = expected.gaps
        verdict = expected.judge(record.offset)
        if verdict is Verdict.SEEK:
            await self._seek(partition, expected)
        elif verdict is Verdict.TAKE:
            self._took_at[partition] = time.monotonic()
            RECORDS_READ.labels(self.topic).inc()
            GAPS.labels(self.topic).inc(expected.gaps - gaps)
            self.pending.setdefault(partition, []).append(record)
            self.pending_bytes += len(record.value)

    async def seek_missing(self) -> None:
        """Ask again for records that are still missing: a seek may be overtaken by a fetch that was under way."""
        for partition, expected in list(self.expected.items()):
            if expected.ahead is not None and time.monotonic() - self._sought_at.get(partition, 0.0) > SEEK_AGAIN_S:
                await self._seek(partition, expected)

    def take(self) -> Iterator[tuple[int, list[Record]]]:
        """All that was gathered, by partition."""
        pending, self.pending, self.pending_bytes = self.pending, {}, 0
        yield from pending.items()

    async def _seek(self, partition: int, expected: ExpectedOffset) -> None:
        self._sought_at[partition] = time.monotonic()
        log.info(
            "input.reading_again", topic=self.topic, partition=partition, at=expected.next_offset, found=expected.ahead
        )
        await self.app.exact_consumer().reposition(TP(self.topic, partition), expected.next_offset)

    def _forget_pending(self, partition: int) -> None:
        for record in self.pending.pop(partition, []):
            self.pending_bytes -= len(record.value)
