"""Alerts to a real HTTP receiver, by a real notifier process on the embedded broker."""

import base64
import random
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook, WebhookVerificationError

from stream.contracts.alerts import encode
from stream.contracts.dead_letters import Reason
from tests.support.broker import embedded_broker
from tests.support.mutations import mutated
from tests.support.notifiers import LAYOUT, Kafka, NotifierProcess, an_alert, notifier
from tests.support.receiver import Received, Receiver, Reply, always_ok, receiver
from tests.support.sink_samples import unsealed
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

SECRET = "whsec_" + base64.b64encode(random.Random(7).randbytes(32)).decode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kafka, Receiver, NotifierProcess]]:
    """One notifier for the tests of this file; each uses alerts of its own."""
    with embedded_broker() as broker, receiver() as hook:
        ensure_topics(broker.bootstrap, LAYOUT)
        url = hook.url.replace("http://", "http://person:hunter2@") + "?token=hunter2"
        with notifier(tmp_path_factory.mktemp("notifier"), broker.bootstrap, url, SECRET) as process:
            yield Kafka(broker.bootstrap), hook, process


@pytest.fixture
def kafka(running: tuple[Kafka, Receiver, NotifierProcess]) -> Kafka:
    return running[0]


@pytest.fixture
def hook(running: tuple[Kafka, Receiver, NotifierProcess]) -> Iterator[Receiver]:
    yield running[1]
    running[1].script = always_ok


@pytest.fixture
def process(running: tuple[Kafka, Receiver, NotifierProcess]) -> NotifierProcess:
    return running[2]


def _of(hook: Receiver, number: int) -> list[Received]:
    return [r for r in hook.received if r.headers["webhook-id"].startswith(f"change-{number}-")]


def test_delivers_once_with_a_signature_that_verifies(kafka: Kafka, hook: Receiver, process: NotifierProcess) -> None:
    kafka.put(an_alert(1))
    wait_until(lambda: kafka.outcomes("change-1-firing") == ["delivered"], 15, "the notification of its delivery")
    wait_until(lambda: kafka.committed() == kafka.written, 15, "the commit")
    (request,) = _of(hook, 1)
    assert (request.method, request.path) == ("POST", "/hook?token=hunter2")
    body = Webhook(SECRET).verify(request.body, request.headers)
    assert body["type"] == "alert.firing"
    assert body["timestamp"] == "2026-01-31T12:01:00.000000Z"
    assert body["data"]["series"] == "vicprice"
    assert body["data"]["summary"].endswith("PSI 0.41 ≥ 0.2")
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"vicprice", b"vicpr1ce"), request.headers)
    (note,) = [n for n in kafka.notifications() if n.change_id == "change-1-firing"]
    assert (note.channel, note.attempt, note.status) == ("webhook", 1, 200)
    assert note.target == f"127.0.0.1:{hook.port}/hook"
    assert "hunter2" not in process.log()
    assert 'tidegate_notifications_total{channel="webhook",outcome="delivered"}' in process.metrics()


def test_a_failing_receiver_is_tried_again_with_the_same_id(kafka: Kafka, hook: Receiver) -> None:
    hook.script = lambda _, before: Reply(status=[500, 503][before]) if before < 2 else Reply()
    kafka.put(an_alert(2))
    expected = ["retrying", "retrying", "delivered"]
    wait_until(lambda: sorted(kafka.outcomes("change-2-firing")) == sorted(expected), 20, "three attempts")
    requests = _of(hook, 2)
    assert {request.headers["webhook-id"] for request in requests} == {"change-2-firing"}
    assert len({request.body for request in requests}) == 1
    for request in requests:
        Webhook(SECRET).verify(request.body, request.headers)
    notes = sorted((n for n in kafka.notifications() if n.change_id == "change-2-firing"), key=lambda n: n.attempt)
    assert [(n.attempt, n.status, n.outcome) for n in notes] == [
        (1, 500, "retrying"),
        (2, 503, "retrying"),
        (3, 200, "delivered"),
    ]


def test_a_receiver_that_asks_for_patience_gets_it(kafka: Kafka, hook: Receiver) -> None:
    hook.script = lambda _, before: Reply() if before else Reply(status=429, headers={"Retry-After": "2"})
    kafka.put(an_alert(3))
    wait_until(lambda: "delivered" in kafka.outcomes("change-3-firing"), 20, "the delivery")
    first, second = _of(hook, 3)
    assert second.arrived - first.arrived >= 2.0


@pytest.mark.parametrize(("number", "status", "advice"), [(4, 400, "correct"), (5, 302, "redirects are not followed")])
def test_what_will_not_pass_is_not_tried_again(
    kafka: Kafka, hook: Receiver, number: int, status: int, advice: str
) -> None:
    elsewhere = {"Location": f"http://127.0.0.1:{hook.port}/elsewhere"}
    hook.script = lambda _, __: Reply(status=status, headers=elsewhere, body=b"field `v` is unknown\n" + b"x" * 100_000)
    kafka.put(an_alert(number))
    change = f"change-{number}-firing"
    wait_until(lambda: kafka.outcomes(change) == ["failed"], 15, "the notification")
    wait_until(lambda: kafka.committed() == kafka.written, 15, "the commit")
    (note,) = [n for n in kafka.notifications() if n.change_id == change]
    assert note.status == status
    assert note.detail.startswith("field `v` is unknown")
    assert advice in note.detail
    assert len(note.detail) < 500
    assert len(_of(hook, number)) == 1


def test_firing_arrives_before_resolved_even_where_it_needs_more_attempts(kafka: Kafka, hook: Receiver) -> None:
    hook.script = lambda request, before: Reply(status=500 if b"alert.firing" in request.body and before < 2 else 200)
    kafka.put(an_alert(6), an_alert(6, "resolved"))
    wait_until(lambda: kafka.outcomes("change-6-resolved") == ["delivered"], 20, "the delivery of both")
    types = [request.json()["type"] for request in _of(hook, 6)]
    assert types == ["alert.firing"] * 3 + ["alert.resolved"]


def test_a_slow_receiver_delays_no_other_alert(kafka: Kafka, hook: Receiver) -> None:
    slow = an_alert(10)
    hook.script = lambda request, before: Reply(
        delay_s=20.0 if before == 0 and request.headers["webhook-id"] == slow.change_id else 0.0
    )
    others = [an_alert(number) for number in range(11, 31)]
    kafka.put(slow)
    wait_until(lambda: _of(hook, 10), 15, "the slow one to have begun")
    kafka.put(*others)
    wait_until(lambda: all(_of(hook, number) for number in range(11, 31)), 15, "the other 20")
    assert kafka.outcomes(slow.change_id) == []
    last = max(_of(hook, number)[0].arrived for number in range(11, 31))
    assert last - _of(hook, 10)[0].arrived < 5.0, "they waited for the slow one's timeout"
    # The slow one is given up after 5 s, and its second attempt is answered at once.
    wait_until(lambda: sorted(kafka.outcomes(slow.change_id)) == ["delivered", "retrying"], 20, "the slow one")
    (note,) = [n for n in kafka.notifications() if n.change_id == slow.change_id and n.outcome == "retrying"]
    assert note.status is None
    assert note.detail.startswith("no answer within 5 s")


GARBAGE = [
    (b"not json", Reason.NOT_JSON),
    (None, Reason.NOT_JSON),
    (b"\xff\xfe\x00", Reason.NOT_JSON),
    (b'{"extra": ' + b"[" * 100_000, Reason.NOT_JSON),
    (b'{"alert_id": 7}', Reason.WRONG_TYPE),
    (encode(replace(an_alert(41), change_id="41\r\nauthorization: none")), Reason.WRONG_TYPE),
    (encode(replace(an_alert(42), state="on fire")), Reason.WRONG_TYPE),
    (b"x" * 10_000_000, Reason.TOO_LARGE),
]


def test_garbage_is_dead_lettered_and_the_next_alert_delivered(kafka: Kafka, hook: Receiver) -> None:
    for number, (value, _) in enumerate(GARBAGE):
        kafka.put_raw(f"garbage-{number}", value)
    kafka.put(an_alert(40))
    wait_until(lambda: kafka.outcomes("change-40-firing") == ["delivered"], 20, "the alert after the garbage")
    wait_until(lambda: kafka.committed() == kafka.written, 20, "the commit")
    found = kafka.dead_letters()
    assert sorted((letter.size, letter.reason) for letter in found) == sorted(
        (len(value or b""), reason.value) for value, reason in GARBAGE
    )
    assert {(letter.topic, letter.reader) for letter in found} == {("alerts", "notifier")}


def test_garbled_alerts_cost_themselves(kafka: Kafka, process: NotifierProcess) -> None:
    dice = random.Random(3)
    whole = encode(an_alert(900))
    for _ in range(80):
        kafka.put_raw("garbled", mutated([whole, unsealed(whole)], dice))
    kafka.put(an_alert(901))
    wait_until(lambda: kafka.outcomes("change-901-firing") == ["delivered"], 60, "the alert that follows them")
    wait_until(lambda: kafka.committed() == kafka.written, 60, "the commit")
    letters = kafka.dead_letters()
    assert {letter.reason for letter in letters} >= {"wrong_checksum", "wrong_type", "not_json"}
    assert "set_aside" not in {letter.reason for letter in letters}, "each was refused as it is said to be"
    assert process.child.running
