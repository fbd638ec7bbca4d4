"""Faust made exact: a table whose values say how far they go, and a consumer that resumes where they say.

A value is one piece: the state and the offset that it reaches. After every assignment each input partition is read from
the state's own offset, whatever the group committed; so a kill at any moment loses nothing and counts nothing twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Mapping
from typing import Any, cast

import faust
import structlog
from faust.tables.manager import TableManager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream.broker.end_offsets import EndOffsets
from stream.exact.bounded_queue import ByteBoundedQueue
from stream.exact.changelog import Changelog, Damage

log = structlog.get_logger()

BUFFERED_BYTES = 8_000_000
"""Of records that wait for one agent."""
CHANGELOG_ENDS_S = 60.0
"""Faust waits for 90 s for where the changelogs end."""
INPUT_ENDS_S = 2.0
"""Who asks where an input ends asks again a little later."""

Resume = Callable[[int], int]
"""Given a partition that was just assigned: take up its state, and say which offset to read next."""


class ExactTable(faust.Table[bytes, bytes]):
    """Bytes by `partition_key`; a key lives in the changelog partition that it names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: Changelog | None = None

    @property
    def kept(self) -> Changelog:
        """Over the table's own store, which is there once it is asked for."""
        if self._kept is None:
            self._kept = Changelog(self.data)
        return self._kept

    def partition_for_key(self, key: bytes) -> int:
        return self.kept.partition_of(key)

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """On recovery the furthest value of a key holds, not the last that arrived."""
        for event in batch:
            message = event.message
            self.kept.take(message.partition, message.offset, message.key or b"", message.value)

    def put(self, partition: int, name: str, value: bytes | None) -> None:
        """Write a value of any size that `pack_value` made: it is there as a whole, or the one before is.

        None deletes it.
        """
        records, removed = (
            ([], self.kept.keys_of(partition, name)) if value is None else self.kept.split(partition, name, value)
        )
        for key, record in records:
            self[key] = record
        for key in removed:
            self.pop(key, None)

    def values_of(self, partition: int, incarnation: bytes) -> tuple[dict[str, bytes], list[Damage]]:
        """See `Changelog.values_of`."""
        return self.kept.values_of(partition, incarnation)

    def mended(self, partition: int) -> None:
        """All that was lost is written anew: what is still damaged is removed."""
        for key in list(self.kept.take_damaged(partition)):
            self.data.pop(key, None)
            self.send_changelog(partition, key, value=None, value_serializer="raw")


class ReadOffsets(dict[TP, int | None]):
    """Faust drops what is below the last offset that it delivered, so after a seek backwards it would drop all of it.

    For the exact inputs it is told that nothing was delivered yet; which record to take is decided in
    offset_sequence.py.
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

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Where the changelogs end; tables are recovered up to there.

        Raises:
            EndUnknownError: no answer in time.
        """
        asker = cast(ExactApp, self.app).end_offsets
        keys = [(tp.topic, tp.partition) for tp in partitions]
        ends = await asyncio.to_thread(asker.ask_all, keys, CHANGELOG_ENDS_S)
        return {TP(*key): end for key, end in ends.items()}

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

    def __init__(self, *args: Any, bootstrap: str, **kwargs: Any) -> None:
        self.end_offsets = EndOffsets(bootstrap)
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

    async def ends_of(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """The end offset of each now; those of which the broker does not say it are left out."""
        keys = [(topic, partition) for partition in partitions]
        ends = await asyncio.to_thread(self.end_offsets.ask, keys, INPUT_ENDS_S)
        return {partition: end for (_, partition), end in ends.items()}

    def steady(self) -> bool:
        """No rebalance and no recovery is under way: what is in memory is what the tables say, and more."""
        return not self.rebalancing and not cast(TableManager, self.tables).recovery.in_recovery

    def _new_transport(self) -> ExactTransport:
        return ExactTransport(self.conf.broker_consumer, self)
