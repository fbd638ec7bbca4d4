"""Faust made exact: a table whose values say how far they go, and a consumer that resumes where they say.

A value is one piece: the state and the offset that it reaches. After every assignment each input partition is read from
the state's own offset, whatever the group committed; so a kill at any moment loses nothing and counts nothing twice.
"""

import struct
from collections.abc import Awaitable, Callable, Collection, Container, Iterable
from typing import Any, cast

import faust
import structlog
from faust.tables.manager import TableManager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream.bounded_queue import ByteBoundedQueue
from stream.pieces import WHOLE, Written, join, split, suffixes

log = structlog.get_logger()

HEADER = struct.Struct(">16sq")
"""Incarnation of the input topic, and the last offset that the value contains."""

BUFFERED_BYTES = 8_000_000
"""Of records that wait for one agent."""

Resume = Callable[[int], int]
"""Given a partition that was just assigned: take up its state, and say which offset to read next."""


def pack_value(incarnation: bytes, as_of: int, payload: bytes) -> bytes:
    return HEADER.pack(incarnation, as_of) + payload


def supersedes(new: bytes, old: bytes | None) -> bool:
    """A worker that lost its partition may still write an older value after the new owner's: the further one holds."""
    if old is None:
        return True
    new_incarnation, new_as_of = HEADER.unpack_from(new)
    old_incarnation, old_as_of = HEADER.unpack_from(old)
    return bool(new_incarnation != old_incarnation or new_as_of >= old_as_of)


def partition_key(partition: int, name: str = "") -> bytes:
    """A key of an ExactTable: the partition whose state it is comes first."""
    return f"{partition}/{name}".encode()


class ExactTable(faust.Table[bytes, bytes]):
    """Bytes by `partition_key`; a key lives in the changelog partition that it names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known: dict[tuple[int, str], Written] = {}
        """Of the values that were written or read here, by partition and name."""

    def partition_for_key(self, key: bytes) -> int:
        return int(key[: key.index(b"/")])

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """On recovery the furthest value of a key holds, not the last that arrived."""
        stored = self.data
        for event in batch:
            key, value = event.key, event.message.value
            if value is None:
                stored.pop(key, None)
            elif supersedes(event.value, stored.get(key)):
                stored[key] = event.value

    def put(self, partition: int, name: str, value: bytes | None) -> None:
        """Write a value of any size that `pack_value` made: it is there as a whole, or the one before is.

        None deletes it.
        """
        known = self.known.pop((partition, name), None)
        if value is None:
            for suffix in suffixes(known or Written(counts={WHOLE: 1})):
                self.pop(partition_key(partition, name + suffix), None)
            return
        header, payload = value[: HEADER.size], value[HEADER.size :]
        self.known[partition, name], records, removed = split(payload, known)
        for suffix, record in records:
            self[partition_key(partition, name + suffix)] = header + record
        for suffix in removed:
            self.pop(partition_key(partition, name + suffix), None)

    def values_of(self, partition: int, incarnation: bytes) -> dict[str, bytes]:
        """Payloads of all keys of one partition, by name; values of a topic that was made anew since are left out.

        One that was never written to its end is empty.
        """
        prefix = partition_key(partition)
        found = join(
            {
                key[len(prefix) :].decode(): (HEADER.unpack_from(value)[1], value[HEADER.size :])
                for key, value in self.data.items()
                if key.startswith(prefix) and value.startswith(incarnation)
            }
        )
        self.known = {key: written for key, written in self.known.items() if key[0] != partition}
        self.known.update({(partition, name): written for name, (_, written) in found.items()})
        return {name: payload for name, (payload, _) in found.items()}


class ReadOffsets(dict[TP, int | None]):
    """Faust drops what is below the last offset that it delivered, so after a seek backwards it would drop all of it.

    For the exact inputs it is told that nothing was delivered yet; which record to take is decided in expected.py.
    """

    def __init__(self, exact_topics: Container[str]) -> None:
        super().__init__()
        self._exact_topics = exact_topics

    def __getitem__(self, tp: TP) -> int | None:
        return None if tp.topic in self._exact_topics else self.get(tp)


class ResumingConsumer(driver.Consumer):
    """Reads the inputs named in the app's `resume_from` on from their state's offset."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = ReadOffsets(cast(ExactApp, self.app).resume_from.keys())

    async def perform_seek(self) -> None:
        await super().perform_seek()
        app = cast(ExactApp, self.app)
        if app.before_resume is not None:
            await app.before_resume(self.assignment())
        log.info("consumer.resumes", partitions=len(self.assignment()))
        resume_from = app.resume_from
        for tp in sorted(self.assignment()):
            resume = resume_from.get(tp.topic)
            if resume is not None:
                await self.reposition(tp, resume(tp.partition))

    async def reposition(self, tp: TP, offset: int) -> None:
        """Read `offset` next, and forget what was committed: it decides nothing here."""
        await self._thread.call_thread(self._seek_in_thread, tp, offset)
        self._committed_offset[tp] = None
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        self._gap.pop(tp, None)

    async def _seek_in_thread(self, tp: TP, offset: int) -> None:
        """In the consumer's own thread: from another one its fetcher would overtake the seek."""
        consumer = self._thread._ensure_consumer()
        if tp in consumer.assignment():
            consumer.seek(tp, offset)


class ExactTransport(driver.Transport):
    Consumer = ResumingConsumer


class ExactApp(faust.App):
    """A Faust app whose tables and consumer are the exact ones."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.resume_from: dict[str, Resume] = {}
        self.before_resume: Callable[[Collection[TP]], Awaitable[None]] | None = None
        """Awaited with the whole assignment before any partition of it is taken up."""
        super().__init__(*args, Table=ExactTable, **kwargs)

    def FlowControlQueue(  # noqa: N802  the name is Faust's
        self, maxsize: int | None = None, *, clear_on_resume: bool = False
    ) -> ByteBoundedQueue:
        return ByteBoundedQueue(
            maxsize or self.conf.stream_buffer_maxsize,
            max_bytes=BUFFERED_BYTES,
            flow_control=self.flow_control,
            clear_on_resume=clear_on_resume,
        )

    def exact_table(self, name: str, partitions: int) -> ExactTable:
        return cast(ExactTable, self.Table(name, partitions=partitions, key_type=bytes, value_type=bytes))

    def exact_consumer(self) -> "ResumingConsumer":
        return cast(ResumingConsumer, self.consumer)

    async def publish(self, topic: str, key: bytes, value: bytes) -> Awaitable[Any]:
        """Send one record; what is returned is done when the broker has it."""
        sent: Awaitable[Any] = await self.producer.send(topic, key, value, None, None, None)
        return sent

    async def reposition(self, topic: str, partition: int, offset: int) -> None:
        """Read `offset` next, where the partition is still held."""
        await self.exact_consumer().reposition(TP(topic, partition), offset)

    def end_of(self, topic: str, partition: int) -> int:
        """The partition's end offset, as far as the last fetch told of it."""
        return self.consumer.highwater(TP(topic, partition)) or 0

    def steady(self) -> bool:
        """No rebalance and no recovery is under way: what is in memory is what the tables say, and more."""
        return not self.rebalancing and not cast(TableManager, self.tables).recovery.in_recovery

    def _new_transport(self) -> ExactTransport:
        return ExactTransport(self.conf.broker_consumer, self)
