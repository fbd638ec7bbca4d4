"""Brokers for tests: the embedded one, and Apache Kafka where KAFKA_HOME names an installation."""

import os
import shutil
import signal
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.support import kafka_archive
from tests.support.children import Child
from tests.support.ports import free_ports
from tests.support.waiting import wait_until
from tidegate.backends.broker import command, find_binary

KAFKA_HOME = os.environ.get("KAFKA_HOME")
PERFORMANCE = "KAFKA_JVM_PERFORMANCE_OPTS"
JVM = {
    "KAFKA_HEAP_OPTS": "-Xms128m -Xmx512m",
    # It lives for seconds: what the second compiler and a parallel collector cost at the start never pays.
    PERFORMANCE: "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto",
}


class Broker:
    """A broker that can be killed and started again on the same port."""

    def __init__(self, kind: str, port: int, child: Child, keeps_data: bool, ready_s: float) -> None:
        self.kind = kind
        """`embedded` or `apache`."""
        self.port = port
        self.bootstrap = f"127.0.0.1:{port}"
        self.keeps_data = keeps_data
        """Whether topics are still there after a restart."""
        self.child = child
        self._ready_s = ready_s

    @property
    def pid(self) -> int:
        return self.child.pid

    def start(self) -> None:
        """Start and wait until it answers."""
        self.child.start()
        wait_until(self._answers, self._ready_s, f"the {self.kind} broker; its log ends: {self.child.log_tail()}", 0.1)

    def kill(self) -> None:
        """SIGKILL."""
        self.child.kill()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL."""
        self.child.stop()

    def restart(self) -> None:
        """SIGKILL, start, wait until it answers."""
        self.kill()
        self.start()

    def _answers(self) -> bool:
        assert self.child.running, f"the {self.kind} broker ended: {self.child.log_tail()}"
        try:
            return bool(admin(self.bootstrap).list_topics(timeout=2).brokers)
        except KafkaException:
            return False


def admin(bootstrap: str) -> AdminClient:
    """An admin client that is quiet while the broker is away."""
    return AdminClient({"bootstrap.servers": bootstrap, "socket.timeout.ms": 5000, "log_level": 0})


@contextmanager
def embedded_broker(port: int | None = None) -> Iterator[Broker]:
    """The embedded broker: everything in memory, gone when it stops."""
    port = port or free_ports(1)[0]
    folder = Path(tempfile.mkdtemp(prefix="tidegate-broker-"))
    child = Child(command(find_binary(), port), folder, "broker")
    with _running(Broker("embedded", port, child, keeps_data=False, ready_s=15), folder) as broker:
        yield broker


@contextmanager
def apache_kafka(tmp_path: Path, port: int | None = None) -> Iterator[Broker]:
    """One node of Apache Kafka (KRaft) with its data under `tmp_path`; needs KAFKA_HOME.

    The first one that ever runs here ends by itself, and so leaves its classes for all others.
    """
    assert KAFKA_HOME, "KAFKA_HOME names no installation of Apache Kafka"
    folder = Path(tempfile.mkdtemp(prefix="kafka-", dir=tmp_path))
    spare, controller = free_ports(2)
    port = port or spare
    home = Path(KAFKA_HOME).resolve()
    archive, written = kafka_archive.archive_of(home), folder / "classes.jsa"
    is_first = not archive.exists()
    options = kafka_archive.writing(written) if is_first else kafka_archive.using(archive)
    env = {**JVM, PERFORMANCE: f"{JVM[PERFORMANCE]} {options}", "LOG_DIR": str(folder / "logs")}
    (folder / "server.properties").write_text(_properties(folder, port, controller))
    _format(folder / "data")
    child = Child([str(home / "bin/kafka-server-start.sh"), str(folder / "server.properties")], folder, "kafka", env)
    with _running(Broker("apache", port, child, keeps_data=True, ready_s=60), folder) as broker:
        yield broker
        if is_first and child.running:
            os.kill(child.pid, signal.SIGTERM)
            wait_until(lambda: not child.running, 60, "Apache Kafka to end")
            kafka_archive.keep(written, archive)


BROKERS: dict[str, Callable[[Path], object]] = {"embedded": lambda _: embedded_broker(), "apache": apache_kafka}


@contextmanager
def _running(broker: Broker, folder: Path) -> Iterator[Broker]:
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _properties(folder: Path, port: int, controller: int) -> str:
    return "\n".join(
        [
            "process.roles=broker,controller",
            "node.id=1",
            f"controller.quorum.voters=1@127.0.0.1:{controller}",
            f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}",
            "controller.listener.names=CONTROLLER",
            "inter.broker.listener.name=PLAINTEXT",
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            f"log.dirs={folder / 'data'}",
            "auto.create.topics.enable=false",
            "offsets.topic.replication.factor=1",
            "offsets.topic.num.partitions=4",
            "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1",
            "transaction.state.log.num.partitions=4",
            "share.coordinator.state.topic.replication.factor=1",
            "share.coordinator.state.topic.min.isr=1",
            "group.initial.rebalance.delay.ms=0",
            "",
        ]
    )


def _format(data: Path) -> None:
    """What `kafka-storage.sh format` writes for the newest version of the metadata, without two JVMs that write it."""
    data.mkdir()
    lines = ("version=1", f"cluster.id={_uuid()}", "node.id=1", f"directory.id={_uuid()}", "")
    (data / "meta.properties").write_text("\n".join(lines))


def _uuid() -> str:
    """As Kafka writes one; it takes none that begins with a dash."""
    while (text := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
