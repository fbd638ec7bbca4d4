"""Delivers one alert's change to the webhook: attempts until it is there or lost, each of them recorded."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable
from itertools import count

import structlog

from stream.contracts.alerts import Alert, Notification
from stream.contracts.timestamps import to_text
from stream.delivery.posting import Answer, Poster
from stream.delivery.retry import AttemptStatus, NextAttempt, RetryPolicy, judge, retry_after
from stream.delivery.webhook import WebhookTarget, webhook_request
from stream.prometheus import NOTIFICATIONS

log = structlog.get_logger()

CHANNEL = "webhook"
RecordAttempt = Callable[[Notification], Awaitable[None]]
"""Returns when the broker has the notification."""


class WebhookDelivery:
    """Many deliveries at once; a slot is held for an attempt only, never while a delivery waits for its next one."""

    def __init__(
        self,
        target: WebhookTarget,
        poster: Poster,
        record: RecordAttempt,
        *,
        policy: RetryPolicy,
        slots: int,
        jitter: Callable[[], float],
        hurry: asyncio.Event,
    ) -> None:
        self._target = target
        self._poster = poster
        self._record = record
        self._policy = policy
        self._slots = asyncio.Semaphore(slots)
        self._jitter = jitter
        self._hurry = hurry
        """Set when the process stops: who waits tries once more at once, and then leaves it to the next start."""

    async def deliver(self, alert: Alert) -> bool:
        """True when the outcome is final and recorded; False where another start has to try again."""
        began = time.monotonic()
        for attempt in count(1):
            async with self._slots:
                answer = await self._poster.post(webhook_request(self._target, alert, time.time()))
            last = self._hurry.is_set()
            next_attempt = judge(
                self._policy,
                answer.status,
                attempt=attempt,
                elapsed_s=time.monotonic() - began,
                retry_after_s=retry_after(answer.retry_after, time.time(), answer.date),
                jitter=self._jitter(),
            )
            await self._note(alert, attempt, answer, next_attempt)
            if next_attempt.outcome is not AttemptStatus.RETRYING:
                return True
            if last:
                return False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(next_attempt.wait_s):
                    await self._hurry.wait()
        raise AssertionError("unreachable: attempts are numbered without end")

    async def _note(self, alert: Alert, attempt: int, answer: Answer, next_attempt: NextAttempt) -> None:
        notification = _notification(alert, attempt, answer, next_attempt, self._target.shown)
        NOTIFICATIONS.labels(CHANNEL, next_attempt.outcome.value).inc()
        say = log.info if next_attempt.outcome is AttemptStatus.DELIVERED else log.warning
        say(
            f"webhook.{next_attempt.outcome.value}",
            change_id=alert.change_id,
            target=self._target.shown,
            attempt=attempt,
            status=answer.status,
            reason=next_attempt.reason,
        )
        await self._record(notification)


def _notification(alert: Alert, attempt: int, answer: Answer, next_attempt: NextAttempt, target: str) -> Notification:
    return Notification(
        notification_id=str(uuid.uuid4()),
        alert_id=alert.alert_id,
        change_id=alert.change_id,
        ts=to_text(time.time()),
        channel=CHANNEL,
        target=target,
        attempt=attempt,
        outcome=next_attempt.outcome.value,
        status=answer.status,
        detail="; ".join(filter(None, (answer.detail, next_attempt.reason))),
        elapsed_ms=round(answer.elapsed_ms, 3),
    )
