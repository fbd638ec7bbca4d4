"""Agent 1: `inference.events` to cumulative panes on `feature.panes`."""

import asyncio
import time
from typing import Any

import structlog
from faust.types import TP

from stream import panes
from stream.agents.config import StreamConfig
from stream.agents.inputs import Inputs
from stream.agents.sender import Sender, Sent
from stream.catalog import Catalog
from stream.dead_letters import Reason
from stream.endings import Endings
from stream.exact import ExactApp, ExactTable, pack_value, partition_key
from stream.incarnation import topic_id_bytes
from stream.intake import Intake, Reject, read_records
from stream.leaving import Leaving
from stream.metric_names import EVENTS_COUNTED, FLUSH_SECONDS
from stream.partition_counter import PartitionCounter
from stream.topics import Topic

log = structlog.get_logger()


class Counting:
    """Feeds a PartitionCounter for each partition that this worker holds."""

    def __init__(self, app: ExactApp, table: ExactTable, catalog: Catalog, config: StreamConfig, topic_id: str) -> None:
        self._app = app
        self._table = table
        self._catalog = catalog
        self._config = config
        self._topic_id = topic_id
        self._topic = config.layout.name(Topic.EVENTS)
        self._sender = Sender(app, config)
        self._writing = asyncio.Lock()
        self._written: dict[int, int] = {}
        self._leaving = Leaving()
        self.inputs = Inputs(app, self._topic)
        self.counters: dict[int, PartitionCounter] = {}

    def resume(self, partition: int) -> int:
        """Take up a partition where its state ends."""
        value = self._table.values_of(partition, topic_id_bytes(self._topic_id)).get("")
        if value is None:
            counter = PartitionCounter(self._topic_id, partition)
        else:
            counter = PartitionCounter.unpack(value, partition)
        self.counters[partition] = counter
        self._written.pop(partition, None)
        self._leaving.start_anew()
        log.info("counting.resumed", partition=partition, next_offset=counter.next_offset)
        return self.inputs.assign(partition, counter.next_offset)

    def revoke(self, partition: int) -> None:
        self.counters.pop(partition, None)
        self.inputs.revoke(partition)

    async def run(self, stream: Any) -> None:
        await self.inputs.read(stream, self._config.batch_bytes, self._take_batch)

    async def flush(self) -> None:
        """Write the state of what changed, send its panes, and forget closed ones that the broker has."""
        async with self._writing:
            with FLUSH_SECONDS.labels("counting").time():
                await self._count_pending()
                await asyncio.gather(*[self._flush_partition(c) for c in list(self.counters.values())])
                self._let_go()

    def _let_go(self) -> None:
        """Forget the deployments that ended once all that was under way then is counted."""
        ended = self._catalog.endings.keys() & self._catalog.targets.keys()
        next_offsets = {partition: expected.next_offset for partition, expected in self.inputs.expected.items()}
        ends = {p: self._app.consumer.highwater(TP(self._topic, p)) or 0 for p in next_offsets} if ended else {}
        for deployment_id in self._leaving.over(ended, time.monotonic(), ends, next_offsets):
            self._catalog.forget(deployment_id)
        for partition, counter in self.counters.items():
            if counter.keep_only(self._catalog.targets):
                self._written.pop(partition, None)

    async def _flush_partition(self, counter: PartitionCounter) -> None:
        if self._written.get(counter.partition) == counter.next_offset and not any(p.changed for p in counter.closed):
            return
        changed = counter.take_changed()
        as_of = counter.next_offset - 1
        value = pack_value(topic_id_bytes(counter.topic_id), as_of, counter.pack())
        self._table[partition_key(counter.partition)] = value
        self._written[counter.partition] = counter.next_offset
        sent = [await self._sender.send(Topic.PANES, pane.deployment_id, panes.encode(pane)) for pane in changed]
        await asyncio.gather(*sent)
        if counter.acknowledge(changed):
            self._written.pop(counter.partition, None)

    async def _take_batch(self) -> None:
        async with self._writing:
            await self._count_pending()

    async def _count_pending(self) -> None:
        sent: list[Sent] = []
        for partition, records in self.inputs.take():
            counter = self.counters[partition]
            intake = read_records(records, int(time.time() * 1000))
            unknown = {event.deployment_id for event in intake.events} - self._catalog.targets.keys()
            if unknown:
                if unknown - self._catalog.endings.keys():
                    await self._catalog.catch_up()
                intake = without(intake, unknown - self._catalog.targets.keys(), self._catalog.endings)
            if self.counters.get(partition) is not counter:
                continue  # it was taken away meanwhile; whoever has it reads these records again
            counter.add(intake.events, intake.offsets, records[-1].offset, self._catalog.targets)
            EVENTS_COUNTED.inc(len(intake.events))
            sent += [await self._sender.dead_letter(self._topic, partition, reject) for reject in intake.rejects]
        await asyncio.gather(*sent)


def without(intake: Intake, unknown: set[str], endings: Endings) -> Intake:
    """The events of known deployments; the others become rejects."""
    if not unknown:
        return intake
    kept = [i for i, event in enumerate(intake.events) if event.deployment_id not in unknown]
    rejects = list(intake.rejects)
    for index, event in enumerate(intake.events):
        if event.deployment_id in unknown:
            reason, detail = _refusal(event.deployment_id, endings)
            line = sum(1 for earlier in intake.offsets[:index] if earlier == intake.offsets[index])
            raw = event.event_id.encode()
            rejects.append(Reject(intake.offsets[index], line, reason, detail, raw))
    return Intake([intake.events[i] for i in kept], [intake.offsets[i] for i in kept], rejects, intake.lines)


def _refusal(deployment_id: str, endings: Endings) -> tuple[Reason, str]:
    """Why an event cannot be counted."""
    ending = endings.get(deployment_id)
    if ending is None:
        return Reason.UNKNOWN_DEPLOYMENT, f"no deployment {deployment_id[:100]!r} was ever announced"
    return Reason.ENDED_DEPLOYMENT, f"deployment {deployment_id[:100]!r} ended at {ending.ts}: {ending.reason}"
