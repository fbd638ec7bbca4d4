"""What delivery writes: the outcome of each attempt, and what could not be read."""

import time

from aiokafka import AIOKafkaProducer

from stream.contracts import alerts, dead_letters
from stream.contracts.dead_letters import Reason
from stream.contracts.topics import Topic, TopicLayout
from stream.prometheus import DEAD_LETTERS


class Outbox:
    """Each call returns when the broker has it, or raises aiokafka.errors.KafkaError."""

    def __init__(self, producer: AIOKafkaProducer, layout: TopicLayout, reader: str) -> None:
        self._producer = producer
        self._layout = layout
        self._reader = reader

    async def notification(self, notification: alerts.Notification) -> None:
        await self._send(Topic.NOTIFICATIONS, notification.alert_id, alerts.encode(notification))

    async def dead_letter(self, raw: bytes, partition: int, offset: int, reason: Reason, detail: str) -> None:
        """For a whole record of `alerts`."""
        DEAD_LETTERS.labels(reason.value).inc()
        letter = dead_letters.letter_for(
            raw,
            ts=time.time(),
            topic=self._layout.name(Topic.ALERTS),
            partition=partition,
            offset=offset,
            line=-1,
            reason=reason,
            detail=detail,
            reader=self._reader,
        )
        await self._send(Topic.DEAD_LETTERS, dead_letters.key_of(letter), dead_letters.encode(letter))

    async def _send(self, topic: Topic, key: str, value: bytes) -> None:
        await self._producer.send_and_wait(self._layout.name(topic), value, key.encode())
