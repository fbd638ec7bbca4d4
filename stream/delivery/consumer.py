"""A consumer of `alerts` of its own, that posts each change to a webhook: a slow receiver delays nothing else.

An offset is committed only when the outcome of its delivery, and of every earlier one of its partition, stands in
`notifications`. So a kill at any time loses no alert; it may post one again, under the same `webhook-id`.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from stream.broker.end_offsets import EndOffsets, Key
from stream.contracts.alerts import Alert
from stream.contracts.dead_letters import DETAIL_CHARS, Reason
from stream.contracts.topics import Topic
from stream.delivery.alert_intake import UnreadableAlertError, read_alert
from stream.delivery.config import DeliveryConfig
from stream.delivery.keyed_tasks import KeyedTasks, Work
from stream.delivery.outbox import Outbox
from stream.delivery.posting import Poster
from stream.delivery.unfinished import Unfinished
from stream.delivery.webhook_delivery import CHANNEL, WebhookDelivery
from stream.prometheus import NOTIFICATIONS, RECORDS_READ, SET_ASIDE
from stream.watched import Watched

log = structlog.get_logger()

COMMIT_S = 0.3
ASK_S = 2.0
BACKOFF_MS = 500
FETCH_S = 0.2  # that the broker holds a fetch open where there is nothing new
_PASSING = (KafkaError, OSError, MemoryError)
"""Troubles of the process, which say nothing of a record: it ends, and the next one tries again."""


class Delivery(ConsumerRebalanceListener):  # type: ignore[misc]  # the library is not typed
    """Reads, delivers, commits."""

    def __init__(self, config: DeliveryConfig) -> None:
        self._config = config
        self._topic = config.layout.name(Topic.ALERTS)
        self._keyed_tasks = KeyedTasks()
        self._unfinished = Unfinished()
        self._hurry = asyncio.Event()
        self._end_offsets = EndOffsets(config.bootstrap)
        self._watched = Watched()
        self._open = contextlib.AsyncExitStack()
        self._webhook_delivery: WebhookDelivery | None = None
        self._consumer: AIOKafkaConsumer
        self._outbox: Outbox

    async def start(self) -> None:
        """Raises aiokafka.errors.KafkaError when there is no broker."""
        config = self._config
        # Not idempotent: the embedded broker refuses aiokafka that. A repeated notification has the same id.
        producer = AIOKafkaProducer(bootstrap_servers=config.bootstrap, acks="all", retry_backoff_ms=BACKOFF_MS)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=config.bootstrap,
            group_id=config.group,
            session_timeout_ms=6000,
            heartbeat_interval_ms=1000,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=16_777_216,
            retry_backoff_ms=BACKOFF_MS,
            fetch_max_wait_ms=round(FETCH_S * 1000),
            # Nothing is read while all deliveries wait for an absent receiver: no reason to leave the group.
            max_poll_interval_ms=round(config.policy.total_s * 1000) + 600_000,
        )
        self._outbox = Outbox(producer, config.layout, config.reader)
        for client in (producer, self._consumer):
            self._open.push_async_callback(client.stop)
        await producer.start()
        await self._consumer.start()
        self._webhook_delivery = await self._make_webhook_delivery()
        self._consumer.subscribe([self._topic], listener=self)
        self._watched.start(self._read(), "reading of alerts")
        self._watched.start(self._keep_committing(), "committing")

    def ready(self) -> bool:
        """It holds partitions."""
        return bool(self._watched) and bool(self._consumer.assignment())

    def trouble(self) -> str | None:
        """Why this process cannot go on; None while it can."""
        if self._keyed_tasks.failure is not None:
            return f"a delivery failed: {self._keyed_tasks.failure!r}"
        return self._watched.trouble()

    async def drain(self, deadline_s: float) -> bool:
        """Deliver what stands in the topic, without waiting for receivers that fail; False where something is left."""
        deadline = time.monotonic() + deadline_s
        self._hurry.set()
        ends: dict[Key, int] = {}
        while time.monotonic() < deadline and self.trouble() is None:
            held = {(self._topic, tp.partition) for tp in self._consumer.assignment()}
            ends |= await asyncio.to_thread(self._end_offsets.ask, held - ends.keys(), ASK_S)
            if held <= ends.keys() and await self._read_to(ends) and not len(self._keyed_tasks):
                return self._unfinished.empty()
            await asyncio.sleep(0.05)
        return False

    async def stop(self) -> None:
        """End what is under way, commit what is finished."""
        await self._watched.stop()
        await self._keyed_tasks.cancel()
        if self._watched:
            await self._commit()
        await self._open.aclose()

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        for tp in revoked:
            await self._keyed_tasks.cancel(tp.partition)
        await self._commit()
        for tp in revoked:
            self._unfinished.forget(tp.partition)

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        log.info("delivery.assigned", partitions=sorted(tp.partition for tp in assigned))

    async def _make_webhook_delivery(self) -> WebhookDelivery | None:
        config = self._config
        if config.target is None:
            return None
        poster = Poster(config.target, timeout_s=config.timeout_s, connections=config.slots)
        await self._open.enter_async_context(poster)
        return WebhookDelivery(
            config.target,
            poster,
            self._outbox.notification,
            policy=config.policy,
            slots=config.slots,
            jitter=random.random,
            hurry=self._hurry,
        )

    async def _read(self) -> None:
        while True:
            room = await self._keyed_tasks.room(self._config.waiting)
            # Nothing is awaited between a fetch and the start of its records, so that a revocation finds all of them.
            for messages in (await self._consumer.getmany(timeout_ms=200, max_records=room)).values():
                for message in messages:
                    self._take(message)

    def _take(self, message: Any) -> None:
        RECORDS_READ.labels(self._topic).inc()
        self._unfinished.begin(message.partition, message.offset)
        key = f"offset {message.offset}"
        try:
            alert = read_alert(message.value)
        except UnreadableAlertError as unreadable:
            work: Work = partial(self._refuse, message, unreadable.reason, unreadable.detail)
        except Exception as error:  # whatever it is costs its record and nothing else
            work = partial(self._set_aside, message, error)
        else:
            key, work = alert.alert_id, partial(self._deliver, alert)
        self._keyed_tasks.start(message.partition, key, partial(self._finish, message, work))

    async def _finish(self, message: Any, work: Work) -> bool:
        try:
            done = await self._twice(work)
        except _PASSING:
            raise
        except Exception as error:  # likewise
            done = await self._set_aside(message, error)
        if done:
            self._unfinished.finish(message.partition, message.offset)
        return done

    async def _deliver(self, alert: Alert) -> bool:
        if self._webhook_delivery is None:
            NOTIFICATIONS.labels(CHANNEL, "no_webhook_set").inc()
            return True
        return await self._webhook_delivery.deliver(alert)

    async def _twice(self, work: Work) -> bool:
        try:
            return await work()
        except _PASSING:
            raise
        except Exception:
            log.exception("delivery.tried_again")
            return await work()

    async def _set_aside(self, message: Any, error: Exception) -> bool:
        SET_ASIDE.labels(self._topic).inc()
        log.error("record.set_aside", topic=self._topic, offset=message.offset, exc_info=error)
        return await self._refuse(message, Reason.SET_ASIDE, f"{type(error).__name__}: {error}"[:DETAIL_CHARS])

    async def _refuse(self, message: Any, reason: Reason, detail: str) -> bool:
        await self._outbox.dead_letter(message.value or b"", message.partition, message.offset, reason, detail)
        return True

    async def _keep_committing(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_S)
            await self._commit()

    async def _commit(self) -> None:
        held = {tp.partition for tp in self._consumer.assignment()}
        offsets = {p: offset for p, offset in self._unfinished.committable().items() if p in held}
        if not offsets:
            return
        try:
            await self._consumer.commit({TopicPartition(self._topic, p): offset for p, offset in offsets.items()})
        except KafkaError as error:  # tried again soon, or read again by whoever has the partition now
            log.warning("delivery.commit_failed", detail=str(error))
        else:
            self._unfinished.committed(offsets)

    async def _read_to(self, ends: Mapping[Key, int]) -> bool:
        try:
            async with asyncio.timeout(ASK_S):
                positions = {tp: await self._consumer.position(tp) for tp in self._consumer.assignment()}
        except (TimeoutError, KafkaError):
            return False
        return all(position >= ends.get((tp.topic, tp.partition), position + 1) for tp, position in positions.items())
