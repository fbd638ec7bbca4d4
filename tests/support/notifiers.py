"""Real notifier processes, alerts for them, and what they write."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from stream.contracts.alerts import Alert, Notification, decode_notification, encode
from stream.contracts.dead_letters import DeadLetter
from stream.contracts.dead_letters import decode as decode_letter
from stream.contracts.topics import Topic, TopicLayout
from tests.support.children import Child
from tests.support.ports import free_ports
from tests.support.runners import REPOSITORY
from tests.support.waiting import wait_until

LAYOUT = TopicLayout()


def an_alert(number: int, state: str = "firing") -> Alert:
    """Alert number `number`; its firing and its resolved share the `alert_id`."""
    ts = f"2026-01-31T12:{number % 60:02d}:00.000000Z"
    return Alert(
        alert_id=f"alert-{number}",
        change_id=f"change-{number}-{state}",
        rule="drift",
        state=state,
        severity="warning",
        ts=ts,
        since=ts,
        workspace="default",
        model="electricity",
        version=1,
        deployment_id="d-1",
        series="vicprice",
        window="5m",
        summary="vicprice left its reference: PSI 0.41 ≥ 0.2",
        value=0.41,
        threshold=0.2,
        n=1000,
        p_value=1e-9,
        noise_floor=0.03,
        channels=["psi"],
        moved=[],
        next_steps=["tidegate drift electricity"],
        newest_ts=ts,
    )


class Kafka:
    """Writes alerts and reads what came of them."""

    def __init__(self, bootstrap: str, layout: TopicLayout = LAYOUT) -> None:
        self.bootstrap = bootstrap
        self._layout = layout
        self.written = 0
        """Records put into `alerts`."""
        largest = layout.max_record_bytes
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "acks": "all", "log_level": 0, "message.max.bytes": largest}
        )

    def put(self, *alerts: Alert) -> None:
        for alert in alerts:
            self.put_raw(alert.alert_id, encode(alert))

    def put_raw(self, key: str, value: bytes | None) -> None:
        """Acknowledged when it returns."""
        self._producer.produce(self._layout.name(Topic.ALERTS), value, key)
        assert self._producer.flush(10) == 0, "the broker did not take an alert within 10 s"
        self.written += 1

    def notifications(self) -> list[Notification]:
        return [decode_notification(value) for value in self._all(Topic.NOTIFICATIONS)]

    def outcomes(self, change_id: str) -> list[str]:
        return [each.outcome for each in self.notifications() if each.change_id == change_id]

    def dead_letters(self) -> list[DeadLetter]:
        return [decode_letter(value) for value in self._all(Topic.DEAD_LETTERS)]

    def committed(self, group: str = "tidegate-notifier") -> int:
        """Sum of the group's offsets of topic `alerts`: how many records it is through with."""
        with self._consumer(group) as consumer:
            partitions = range(self._layout.spec(Topic.ALERTS).partitions)
            asked = [TopicPartition(self._layout.name(Topic.ALERTS), partition) for partition in partitions]
            return sum(max(0, tp.offset) for tp in consumer.committed(asked, timeout=60))

    def _all(self, topic: Topic) -> list[bytes]:
        """Every record that stands in the topic now: read to where the broker says the partition ends (EOF)."""
        values: list[bytes] = []
        with self._consumer("nobody") as consumer:
            for partition in range(self._layout.spec(topic).partitions):
                consumer.assign([TopicPartition(self._layout.name(topic), partition, 0)])
                while (message := _poll(consumer)) is not None:
                    values.append(message.value() or b"")
        return values

    @contextmanager
    def _consumer(self, group: str) -> Iterator[Consumer]:
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
                "log_level": 0,
            }
        )
        try:
            yield consumer
        finally:
            consumer.close()


def _poll(consumer: Consumer) -> Message | None:
    """The next record; None at the end of the partition."""
    message = consumer.poll(10)
    assert message is not None, "the broker sent neither a record nor the end of the partition within 10 s"
    error = message.error()
    if error is None:
        return message
    assert error.code() == KafkaError._PARTITION_EOF, error
    return None


class NotifierProcess:
    """`python -m tidegate.processes.notifier`, that can be killed and started again."""

    def __init__(self, scratch: Path, bootstrap: str, url: str | None, secret: str | None = None) -> None:
        self.port = free_ports(1)[0]
        environment = {
            "PYTHONPATH": str(REPOSITORY),
            "TIDEGATE_HOME": str(scratch / "home"),
            "TIDEGATE_KAFKA_BOOTSTRAP": bootstrap,
            "TIDEGATE_MONITOR_PORT": str(self.port - 1),
            "TIDEGATE_WEBHOOK_URL": url or "",
            "TIDEGATE_WEBHOOK_SECRET": secret or "",
        }
        self.child = Child([sys.executable, "-m", "tidegate.processes.notifier"], scratch, "notifier", environment)

    def start(self, deadline_s: float = 30) -> None:
        self.child.start()
        wait_until(self._ready, deadline_s, f"the notifier; its log ends: {self.child.log_tail()}")

    def log(self) -> str:
        return self.child.log_tail(1_000_000)

    def metrics(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.port}/metrics", timeout=60).text

    def _ready(self) -> bool:
        assert self.child.running, f"the notifier ended: {self.child.log_tail()}"
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def notifier(scratch: Path, bootstrap: str, url: str | None, secret: str | None = None) -> Iterator[NotifierProcess]:
    process = NotifierProcess(scratch, bootstrap, url, secret)
    try:
        process.start()
        yield process
    finally:
        process.child.stop()
