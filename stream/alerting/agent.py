"""Agent 3: metrics, and records that were set aside, through the rules to `alerts`."""

import asyncio
import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import structlog

from stream.alerting.rule_engine import RuleEngine
from stream.alerting.set_aside import SetAsideAlerts
from stream.config import StreamConfig
from stream.contracts import alerts, dead_letters, sealed
from stream.contracts.alerts import Alert
from stream.contracts.dead_letters import DeadLetter, Reason, reason_of
from stream.contracts.decode_errors import UNREADABLE
from stream.contracts.metrics import DriftMetric, ServiceMetric, decode_drift, decode_service
from stream.contracts.timestamps import to_text
from stream.contracts.topics import StateTable, Topic
from stream.exact.agent import Agent, Owner, StepOutput
from stream.exact.changelog import pack_value
from stream.exact.kept_twice import newest, other
from stream.exact.ports import AgentApp, StateValues
from stream.intake.catalog import Catalog
from stream.intake.events import Record, Reject
from stream.prometheus import ALERT_CHANGES, DEAD_LETTERS

log = structlog.get_logger()

Item = DriftMetric | ServiceMetric | DeadLetter
ReadItems = list[tuple[Record, Sequence[Item] | Reject]]


class PackedAlerts(msgspec.Struct, frozen=True):
    """The changelog value of one partition: its alerts, and how far each topic was read."""

    engine: RuleEngine
    next_offsets: dict[str, int]
    set_aside: SetAsideAlerts = msgspec.field(default_factory=SetAsideAlerts)
    writing: int = 0
    """Counts up: alerts may change where no offset does."""


@dataclass(eq=False, kw_only=True)
class AlertOwner(Owner):
    """The open alerts of one partition of the topics, which share it."""

    engine: RuleEngine
    set_aside: SetAsideAlerts
    next_offsets: dict[str, int]
    next_name: str = ""
    """Of the state that is written next (kept_twice.py)."""
    writing: int = 0
    """Number of the state that was written last."""
    changed: bool = False

    def next_offset(self, topic: str) -> int:
        return self.next_offsets.get(topic, 0)

    def skip(self, topic: str, offset: int) -> None:
        self.next_offsets[topic] = offset + 1
        self.changed = True

    def check(self) -> None:
        self.pack()

    def mend(self) -> Iterator[tuple[str, Exception]]:
        for key, opened in list(self.engine.open.items()):
            try:
                msgspec.msgpack.encode(opened)
            except Exception as error:  # whatever it is
                del self.engine.open[key]
                yield opened.alert.deployment_id, error

    def pack(self) -> bytes:
        return msgspec.msgpack.encode(PackedAlerts(self.engine, self.next_offsets, self.set_aside, self.writing + 1))


class RebuiltAlerts(Protocol):
    """Open alerts of partitions that have none, from who read them from the past (stream/rebuilding/rebuilder.py)."""

    metrics_id: bytes
    """The incarnation of the topics that are read."""

    def alerts(self, partition: int) -> RuleEngine:
        """Of a partition of the metric topics that has no state yet."""


class Alerting(Agent[AlertOwner, ReadItems]):
    """Keeps the open alerts of each partition of the topics that it reads, which are keyed alike."""

    label = "alerting"
    table = StateTable.ALERTS

    def __init__(
        self,
        app: AgentApp,
        table: StateValues,
        catalog: Catalog,
        config: StreamConfig,
        past: RebuiltAlerts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._decoders: dict[str, Callable[[bytes], Sequence[Item]]] = {
            config.layout.name(Topic.DRIFT): decode_drift,
            config.layout.name(Topic.SERVICE): decode_service,
            config.layout.name(Topic.DEAD_LETTERS): _read_set_aside,
        }
        super().__init__(app, table, config, list(self._decoders))
        self._letters = config.layout.name(Topic.DEAD_LETTERS)
        self._catalog = catalog
        self._past = past
        self._clock = clock

    def _restore(self, partition: int) -> AlertOwner:
        values, damage = self._table.values_of(partition, self._past.metrics_id)
        found = newest(values, damage, unpack_alerts, lambda state: (sum(state.next_offsets.values()), state.writing))
        state = found.state or PackedAlerts(self._past.alerts(partition), {})
        remedy = (
            "the rules go on from the newest that can be read, and read what came since again"
            if found.state is not None
            else "no other can be read: open alerts are begun anew from what the topics still hold, and one that fires "
            "since before that may be told of twice, or never resolve"
        )
        return AlertOwner(
            partition=partition,
            engine=state.engine,
            set_aside=state.set_aside,
            next_offsets=dict(state.next_offsets),
            next_name=found.next_name,
            writing=state.writing,
            changed=bool(found.damage),
            damage=found.damage,
            remedy=remedy,
        )

    def _read(self, topic: str, records: Sequence[Record]) -> ReadItems:
        return [(record, self._decoded(topic, record)) for record in records]

    def _decoded(self, topic: str, record: Record) -> Sequence[Item] | Reject:
        try:
            return self._decoders[topic](record.value)
        except UNREADABLE as error:
            return Reject(record.offset, -1, reason_of(error, Reason.WRONG_TYPE), str(error), record.value)

    async def _learn(self, read: ReadItems) -> None:
        """The rules need nothing else."""

    def _undo(self, owner: AlertOwner, _read: ReadItems) -> Callable[[], None]:
        saved = copy.deepcopy((owner.engine, owner.set_aside))

        def undo() -> None:
            owner.engine, owner.set_aside = saved

        return undo

    def _apply(self, owner: AlertOwner, topic: str, _records: Sequence[Record], read: ReadItems) -> StepOutput:
        outcome = StepOutput()
        for record, items in read:
            if isinstance(items, Reject):
                if topic == self._letters:  # a dead letter about a dead letter would never end
                    DEAD_LETTERS.labels(items.reason.value).inc()
                else:
                    outcome.rejects.append(items)
            else:
                changes = [change for item in items for change in self._changes(owner, item)]
                outcome.messages += [_message(change) for change in changes]
            owner.skip(topic, record.offset)
        return outcome

    def _changes(self, owner: AlertOwner, item: Item) -> list[Alert]:
        if isinstance(item, DeadLetter):
            return owner.set_aside.note(item)
        ending = self._catalog.endings.get(item.deployment_id)
        if ending is not None and item.ts > ending.ts:
            return []  # it was measured when nobody got answers any more
        return list(owner.engine.apply(item))

    async def _flush(self, owner: AlertOwner) -> None:
        """Write the state of what changed; its alerts were acknowledged before."""
        ended = await self._catalog.ended_among({item.alert.deployment_id for item in owner.engine.open.values()})
        if not owner.held:
            return
        over = owner.engine.end(ended, to_text(self._clock()))
        over += owner.set_aside.calm(self._clock(), self._config.set_aside_quiet_s)
        if over:
            owner.changed = True
            await asyncio.gather(*await self._send(owner, self._letters, StepOutput([_message(one) for one in over])))
        if not owner.changed or not owner.held:
            return
        try:
            payload = owner.pack()
        except Exception as error:  # see `_doubt`
            await self._doubt(owner, error)
            return
        value = pack_value(self._past.metrics_id, sum(owner.next_offsets.values()), payload)
        self._table.put(owner.partition, owner.next_name, value)
        self._table.mended(owner.partition)
        owner.next_name, owner.writing = other(owner.next_name), owner.writing + 1
        owner.changed = False


def unpack_alerts(value: bytes) -> PackedAlerts:
    """Raises msgspec.MsgspecError where it is no state of this agent."""
    return msgspec.msgpack.decode(value, type=PackedAlerts)


def _read_set_aside(value: bytes) -> Sequence[DeadLetter]:
    """Of all dead letters those that say that a reader failed."""
    sealed.check(value)
    if Reason.SET_ASIDE.value.encode() not in value:
        return []
    letter = dead_letters.decode(value)
    return [letter] if letter.reason == Reason.SET_ASIDE else []


def _message(alert: Alert) -> tuple[Topic, str, bytes]:
    ALERT_CHANGES.labels(alert.rule, alert.state).inc()
    log.info("alert", state=alert.state, rule=alert.rule, model=alert.model, series=alert.series)
    return Topic.ALERTS, alert.alert_id, alerts.encode(alert)
