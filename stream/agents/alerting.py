"""Agent 3: `drift.metrics` and `service.metrics` through the rules to `alerts`."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog

from stream import alerts
from stream.agents.config import StreamConfig
from stream.agents.inputs import Inputs
from stream.agents.rebuilding import Rebuilding
from stream.agents.sender import Sender, Sent
from stream.alerts import Alert
from stream.catalog import Catalog
from stream.dead_letters import Reason
from stream.exact import ExactApp, ExactTable, pack_value, partition_key
from stream.intake import Record, Reject
from stream.metric_names import ALERT_CHANGES, FLUSH_SECONDS
from stream.metrics import decode_drift, decode_service
from stream.rule_engine import Metric, RuleEngine
from stream.timestamps import to_text
from stream.topics import Topic
from stream.unreadable import UNREADABLE

log = structlog.get_logger()


class PackedAlerts(msgspec.Struct, frozen=True):
    """The changelog value of one partition: its alerts, and how far each topic was read."""

    engine: RuleEngine
    next_offsets: dict[str, int]


class Alerting:
    """Keeps the open alerts of each partition of the two metric topics, which are keyed alike."""

    def __init__(
        self, app: ExactApp, table: ExactTable, catalog: Catalog, config: StreamConfig, past: Rebuilding
    ) -> None:
        self._table = table
        self._catalog = catalog
        self._config = config
        self._past = past
        self._sender = Sender(app, config)
        self._writing = asyncio.Lock()
        self._changed: set[int] = set()
        self._decoders: dict[str, Callable[[bytes], Sequence[Metric]]] = {
            config.layout.name(Topic.DRIFT): decode_drift,
            config.layout.name(Topic.SERVICE): decode_service,
        }
        self.inputs = {topic: Inputs(app, topic) for topic in self._decoders}
        self.engines: dict[int, RuleEngine] = {}
        self.next_offsets: dict[int, dict[str, int]] = {}

    def resume(self, topic: str, partition: int) -> int:
        """Take up a partition where its state ends. Both topics of a partition share a state, so both start again."""
        value = self._table.values_of(partition, self._past.metrics_id).get("")
        state = (
            msgspec.msgpack.decode(value, type=PackedAlerts)
            if value
            else PackedAlerts(self._past.alerts(partition), {})
        )
        self.engines[partition] = state.engine
        self.next_offsets[partition] = dict(state.next_offsets)
        for inputs in self.inputs.values():
            inputs.assign(partition, state.next_offsets.get(inputs.topic, 0))
        return state.next_offsets.get(topic, 0)

    def revoke(self, partition: int) -> None:
        self.engines.pop(partition, None)
        for inputs in self.inputs.values():
            inputs.revoke(partition)

    async def run(self, topic: str, stream: Any) -> None:
        await self.inputs[topic].read(stream, 0, self._take_batch)

    async def flush(self) -> None:
        """Write the state of what changed; its alerts were acknowledged before."""
        async with self._writing:
            with FLUSH_SECONDS.labels("alerting").time():
                await self._apply_pending()
                await self._end_alerts()
                for partition in self._changed & self.engines.keys():
                    offsets = self.next_offsets[partition]
                    payload = msgspec.msgpack.encode(PackedAlerts(self.engines[partition], offsets))
                    value = pack_value(self._past.metrics_id, sum(offsets.values()), payload)
                    self._table[partition_key(partition)] = value
                self._changed.clear()

    async def _take_batch(self) -> None:
        async with self._writing:
            await self._apply_pending()

    async def _apply_pending(self) -> None:
        sent: list[Sent] = []
        for topic, inputs in self.inputs.items():
            for partition, records in inputs.take():
                for record in records:
                    sent += await self._apply(topic, partition, record)
                self.next_offsets[partition][topic] = records[-1].offset + 1
                self._changed.add(partition)
        await asyncio.gather(*sent)

    async def _apply(self, topic: str, partition: int, record: Record) -> list[Sent]:
        try:
            metrics = self._decoders[topic](record.value)
        except UNREADABLE as error:
            reject = Reject(record.offset, -1, Reason.WRONG_TYPE, str(error), record.value)
            return [await self._sender.dead_letter(topic, partition, reject)]
        sent = []
        for metric in metrics:
            ending = self._catalog.endings.get(metric.deployment_id)
            if ending is not None and metric.ts > ending.ts:
                continue  # it was measured when nobody got answers any more
            for alert in self.engines[partition].apply(metric):
                sent.append(await self._send(alert))
        return sent

    async def _end_alerts(self) -> None:
        """Resolve the alerts of deployments that ended. A kill before the state is written does it again, alike."""
        sent: list[Sent] = []
        for partition, engine in list(self.engines.items()):
            ended = await self._catalog.ended_among({item.alert.deployment_id for item in engine.open.values()})
            if not ended or self.engines.get(partition) is not engine:
                continue
            self._changed.add(partition)
            for alert in engine.end(ended, to_text(time.time())):
                sent.append(await self._send(alert))
        await asyncio.gather(*sent)

    async def _send(self, alert: Alert) -> Sent:
        ALERT_CHANGES.labels(alert.rule, alert.state).inc()
        log.info("alert", state=alert.state, rule=alert.rule, model=alert.model, series=alert.series)
        return await self._sender.send(Topic.ALERTS, alert.alert_id, alerts.encode(alert))
