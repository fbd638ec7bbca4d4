"""Whatever delivering an alert raises twice costs that alert, with a letter; troubles of the process do not."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from stream.contracts.alerts import Alert, encode
from stream.contracts.dead_letters import Reason
from stream.contracts.topics import TopicLayout
from stream.delivery import consumer
from stream.delivery.config import DeliveryConfig
from stream.delivery.consumer import Delivery
from tests.support.notifiers import an_alert


class Outbox:
    """Keeps what it is told to write."""

    def __init__(self) -> None:
        self.letters: list[tuple[int, Reason]] = []

    async def dead_letter(self, _raw: bytes, _partition: int, offset: int, reason: Reason, _detail: str) -> None:
        self.letters.append((offset, reason))


class FakeDelivery:
    """Fails with some alerts, some times."""

    def __init__(self, failures: dict[str, list[Exception]]) -> None:
        self.failures = failures
        self.delivered: list[str] = []

    async def deliver(self, alert: Alert) -> bool:
        if left := self.failures.get(alert.alert_id):
            raise left.pop()
        self.delivered.append(alert.alert_id)
        return True


async def play(failures: dict[str, list[Exception]]) -> tuple[Delivery, Outbox, FakeDelivery]:
    made = Delivery(DeliveryConfig(bootstrap="nowhere:1", layout=TopicLayout(), target=None))
    outbox, webhook = Outbox(), FakeDelivery(failures)
    made._outbox, made._webhook_delivery = cast(Any, outbox), cast(Any, webhook)
    for number in range(3):
        made._take(SimpleNamespace(partition=0, offset=number, value=encode(an_alert(number))))
    async with asyncio.timeout(60):
        await made._keyed_tasks.room(1)
    return made, outbox, webhook


def test_an_alert_that_fails_twice_is_set_aside() -> None:
    made, outbox, webhook = asyncio.run(play({"alert-1": [LookupError("again"), LookupError("unforeseen")]}))
    assert outbox.letters == [(1, Reason.SET_ASIDE)]
    assert webhook.delivered == ["alert-0", "alert-2"]
    assert made._keyed_tasks.failure is None
    assert made._unfinished.committable() == {0: 3}


def test_one_that_fails_once_is_delivered() -> None:
    _, outbox, webhook = asyncio.run(play({"alert-1": [LookupError("unforeseen")]}))
    assert outbox.letters == []
    assert sorted(webhook.delivered) == ["alert-0", "alert-1", "alert-2"]


def test_a_trouble_of_the_process_loses_no_alert() -> None:
    made, outbox, _ = asyncio.run(play({"alert-1": [OSError(24, "no descriptor left")]}))
    assert outbox.letters == []
    assert isinstance(made._keyed_tasks.failure, OSError)
    assert made._unfinished.committable() == {0: 1}


def test_an_alert_that_cannot_be_read_in_a_way_nobody_foresaw(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_value: bytes) -> Alert:
        raise LookupError("unforeseen")

    monkeypatch.setattr(consumer, "read_alert", failing)
    made, outbox, _ = asyncio.run(play({}))
    assert outbox.letters == [(number, Reason.SET_ASIDE) for number in range(3)]
    assert made._unfinished.committable() == {0: 3}
