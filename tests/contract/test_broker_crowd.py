"""Connections to the embedded broker that say nothing, or half of a frame: those of the stack go on being answered."""

import contextlib
import resource
import socket
import struct
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.broker import Broker, embedded_broker
from tests.support.waiting import wait_until

CROWD = 500
BEGINNINGS = (
    b"",
    struct.pack(">i", 1000) + b"\x00\x12\x00\x03",
    struct.pack(">i", 2_000_000_000) + b"\x00\x12\x00\x03",
    struct.pack(">i", -1) + b"garbage!",
)
"""Nothing; half of a frame; the length of one that no memory holds; a length that is none."""


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with embedded_broker() as running:
        admin = AdminClient({"bootstrap.servers": running.bootstrap})
        admin.create_topics([NewTopic("t", 1, 1)])["t"].result(60)
        yield running


def crowd(stack: contextlib.ExitStack, broker: Broker, count: int) -> None:
    for number in range(count):
        one = stack.enter_context(socket.create_connection(("127.0.0.1", broker.port), timeout=60))
        with contextlib.suppress(ConnectionError):  # garbage is sent away
            one.sendall(BEGINNINGS[number % len(BEGINNINGS)])


def takes(producer: Producer, seconds: float = 120) -> bool:
    producer.produce("t", b"x")
    return producer.flush(seconds) == 0


def client(broker: Broker) -> Producer:
    return Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})


def test_a_crowd_keeps_nobody_out(broker: Broker) -> None:
    known = client(broker)
    assert takes(known)
    with contextlib.ExitStack() as stack:
        crowd(stack, broker, CROWD)
        assert takes(known)
        assert takes(client(broker)), "one that comes after them"
    assert broker.child.running


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process can be set on Linux alone")
def test_where_it_has_no_more_descriptors_known_clients_go_on_and_others_come_when_there_is_room(
    broker: Broker,
) -> None:
    before = resource.prlimit(broker.pid, resource.RLIMIT_NOFILE)
    known = client(broker)
    assert takes(known)
    resource.prlimit(broker.pid, resource.RLIMIT_NOFILE, (200, before[1]))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(300):  # more than the system keeps for one that accepts none are not waited for
                one = stack.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", broker.port))
            assert takes(known)
        late = client(broker)
        wait_until(lambda: takes(late, 5), 120, "room for another client")
    finally:
        resource.prlimit(broker.pid, resource.RLIMIT_NOFILE, before)
