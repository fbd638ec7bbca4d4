"""The notifier's starts and ends: killed, told to stop, without a webhook, with a wrong one."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import Broker, embedded_broker
from tests.support.notifiers import LAYOUT, Kafka, NotifierProcess, an_alert, notifier
from tests.support.receiver import Reply, receiver
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics


@pytest.fixture
def broker() -> Iterator[Broker]:
    with embedded_broker() as running:
        ensure_topics(running.bootstrap, LAYOUT)
        yield running


@pytest.mark.slow
def test_killed_in_the_middle_it_delivers_every_alert_under_its_id(broker: Broker, tmp_path: Path) -> None:
    kafka = Kafka(broker.bootstrap)
    seeded = random.Random(20260131)
    delays = {f"change-{number}-firing": seeded.uniform(0.1, 0.6) for number in range(60)}
    slow = receiver(script=lambda request, _: Reply(delay_s=delays[request.headers["webhook-id"]]))
    with slow as hook, notifier(tmp_path, broker.bootstrap, hook.url) as process:
        kafka.put(*[an_alert(number) for number in range(30)])
        wait_until(lambda: len(set(hook.ids())) >= 10, 30, "10 alerts at the receiver")
        process.child.kill()
        assert kafka.committed() < 30, "all was delivered before the kill: the test shows nothing"
        kafka.put(*[an_alert(number) for number in range(30, 55)])
        process.start()
        wait_until(lambda: len(set(hook.ids())) >= 40, 30, "40 alerts at the receiver")
        process.child.kill()
        assert kafka.committed() < 55, "all was delivered before the kill: the test shows nothing"
        kafka.put(*[an_alert(number) for number in range(55, 60)])
        process.start()
        wait_until(lambda: kafka.committed() == 60, 60, "all to be committed")
    assert set(hook.ids()) == set(delays)
    by_id = {request.headers["webhook-id"]: request.json()["data"]["change_id"] for request in hook.received}
    assert all(webhook_id == change for webhook_id, change in by_id.items())
    delivered = Counter(n.change_id for n in kafka.notifications() if n.outcome == "delivered")
    assert set(delivered) == set(delays)


def test_told_to_stop_it_delivers_what_stands_in_the_topic(broker: Broker, tmp_path: Path) -> None:
    kafka = Kafka(broker.bootstrap)
    with receiver(script=lambda _, __: Reply(delay_s=0.5)) as hook:
        with notifier(tmp_path, broker.bootstrap, hook.url) as process:
            kafka.put(*[an_alert(number) for number in range(40)])
            wait_until(hook.ids, 15, "the first request")
            process.child.stop(grace_s=15)
        assert sorted(hook.ids()) == sorted(f"change-{number}-firing" for number in range(40))
    assert "notifier.drained" in process.log()
    assert kafka.committed() == 40


@pytest.mark.slow
def test_told_to_stop_it_leaves_what_cannot_be_delivered_to_the_next_start(broker: Broker, tmp_path: Path) -> None:
    kafka = Kafka(broker.bootstrap)
    with receiver(script=lambda _, __: Reply(status=503, headers={"Retry-After": "300"})) as hook:
        with notifier(tmp_path, broker.bootstrap, hook.url) as process:
            kafka.put(an_alert(1), an_alert(1, "resolved"))
            wait_until(lambda: kafka.outcomes("change-1-firing") == ["retrying"], 15, "the first attempt")
            process.child.stop(grace_s=5)
        assert "notifier.not_drained" in process.log(), "it waited for the receiver, or lost the alert"
        assert kafka.committed() == 0
        hook.script = lambda _, __: Reply()
        with notifier(tmp_path, broker.bootstrap, hook.url):
            wait_until(lambda: kafka.committed() == 2, 20, "both to be delivered")
    assert hook.ids()[-2:] == ["change-1-firing", "change-1-resolved"]


@pytest.mark.slow
def test_without_a_webhook_it_passes_over_what_is_old(broker: Broker, tmp_path: Path) -> None:
    kafka = Kafka(broker.bootstrap)
    kafka.put(an_alert(1))
    with notifier(tmp_path, broker.bootstrap, url=None):
        wait_until(lambda: kafka.committed() == 1, 15, "the commit")
    assert kafka.notifications() == []
    with receiver() as hook, notifier(tmp_path, broker.bootstrap, hook.url):
        kafka.put(an_alert(2))
        wait_until(lambda: kafka.committed() == 2, 15, "the delivery")
        assert hook.ids() == ["change-2-firing"]
        assert "webhook-signature" not in hook.received[0].headers


@pytest.mark.slow
def test_a_broker_that_comes_back_empty_stops_nothing(broker: Broker, tmp_path: Path) -> None:
    with receiver() as hook, notifier(tmp_path, broker.bootstrap, hook.url) as process:
        Kafka(broker.bootstrap).put(*[an_alert(number) for number in range(8)])
        wait_until(lambda: Kafka(broker.bootstrap).committed() == 8, 20, "the first eight")
        broker.restart()
        ensure_topics(broker.bootstrap, LAYOUT)
        after = Kafka(broker.bootstrap)
        after.put(*[an_alert(number) for number in range(20, 24)])
        wait_until(lambda: after.committed() == 4, 60, f"those after the restart; the log ends: {process.log()[-500:]}")
        assert set(hook.ids()[8:]) == {f"change-{number}-firing" for number in range(20, 24)}
        assert [n.outcome for n in after.notifications()] == ["delivered"] * 4


@pytest.mark.parametrize(
    ("url", "secret", "name"),
    [
        ("localhost/hunter2", None, "TIDEGATE_WEBHOOK_URL"),
        ("http://127.0.0.1:9/", "hunter2", "TIDEGATE_WEBHOOK_SECRET"),
    ],
)
def test_a_wrong_setting_is_named_and_not_shown(tmp_path: Path, url: str, secret: str | None, name: str) -> None:
    process = NotifierProcess(tmp_path, "127.0.0.1:9", url, secret)
    process.child.start()
    wait_until(lambda: not process.child.running, 20, "its end")
    assert name in process.log()
    assert "hunter2" not in process.log()
