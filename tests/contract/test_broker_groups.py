"""Consumer groups: joining, sharing, leaving, dying."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer

from tests.support.broker import Broker
from tests.support.kafka import consumer, create_topic, producer, read
from tests.support.waiting import wait_until

JOIN_S = 40


@contextmanager
def member(broker: Broker, group: str, topic: str) -> Iterator[Consumer]:
    joined = consumer(broker.bootstrap, group)
    joined.subscribe([topic])
    try:
        yield joined
    finally:
        joined.close()


def partitions(*members: Consumer) -> list[set[int]]:
    """What each member has; polling is what keeps a member in its group."""
    for one in members:
        one.poll(0.05)
    return [{part.partition for part in one.assignment()} for one in members]


def test_one_member_gets_every_partition(broker: Broker) -> None:
    topic = create_topic(broker.bootstrap, "alone", partitions=4)
    with member(broker, "alone", topic) as only:
        wait_until(lambda: partitions(only) == [{0, 1, 2, 3}], JOIN_S, "all partitions")


def test_a_second_member_takes_half_and_gives_it_back(broker: Broker) -> None:
    topic = create_topic(broker.bootstrap, "shared", partitions=4)
    with member(broker, "shared", topic) as first:
        wait_until(lambda: partitions(first) == [{0, 1, 2, 3}], JOIN_S, "all partitions")
        with member(broker, "shared", topic) as second:

            def shared() -> bool:
                one, two = partitions(first, second)
                return len(one) == len(two) == 2 and one | two == {0, 1, 2, 3}

            wait_until(shared, JOIN_S, "two partitions each")
        wait_until(lambda: partitions(first) == [{0, 1, 2, 3}], JOIN_S, "all partitions back")


def test_a_group_goes_on_where_it_committed(broker: Broker) -> None:
    topic = create_topic(broker.bootstrap, "resumed")
    writer = producer(broker.bootstrap)
    for number in range(20):
        writer.produce(topic, str(number).encode())
    assert writer.flush(20) == 0
    with member(broker, "resumed", topic) as before:
        last = read(before, 8, JOIN_S)[-1]
        before.commit(message=last, asynchronous=False)

    with member(broker, "resumed", topic) as after:
        found = read(after, 12, JOIN_S)

    assert [message.value() for message in found] == [str(number).encode() for number in range(8, 20)]
