"""Producing and reading: acknowledgements, order, headers, offsets, lag, large records."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from stream.contracts.topics import Topic, TopicLayout
from tests.support.broker import Broker
from tests.support.kafka import consumer, create_topic, producer, read


class Deliveries:
    """What the broker said about each record."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.errors: list[KafkaError] = []

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.errors.append(error)
        else:
            self.offsets.append(message.offset() or 0)


@pytest.fixture
def reader(broker: Broker) -> Iterator[Consumer]:
    opened = consumer(broker.bootstrap, "records", fetch_message_max_bytes=16_000_000)
    yield opened
    opened.close()


def test_records_keep_order_key_value_and_headers(broker: Broker, reader: Consumer) -> None:
    name = create_topic(broker.bootstrap, "ordered")
    writer = producer(broker.bootstrap)
    delivered = Deliveries()
    for number in range(2000):
        headers: list[tuple[str, str | bytes | None]] = [("count", str(number).encode()), ("empty", b"")]
        writer.produce(name, f"v{number}".encode(), key=b"k", headers=headers, on_delivery=delivered)
    assert writer.flush(20) == 0

    reader.assign([TopicPartition(name, 0, 0)])
    found = read(reader, 2000)

    assert not delivered.errors
    assert delivered.offsets == list(range(2000))
    assert [message.value() for message in found] == [f"v{number}".encode() for number in range(2000)]
    assert found[7].key() == b"k"
    assert found[7].headers() == [("count", b"7"), ("empty", b"")]
    assert [message.offset() for message in found] == list(range(2000))


def test_watermarks_and_committed_offsets_give_the_lag(broker: Broker, reader: Consumer) -> None:
    name = create_topic(broker.bootstrap, "lagging", partitions=2)
    writer = producer(broker.bootstrap)
    for number in range(10):
        writer.produce(name, b"x", partition=number % 2)
    assert writer.flush(20) == 0

    reader.commit(offsets=[TopicPartition(name, 0, 2)], asynchronous=False)

    reader.assign([TopicPartition(name, 0, 0)])
    read(reader, 5)
    low, high = reader.get_watermark_offsets(TopicPartition(name, 0), cached=True)
    committed = reader.committed([TopicPartition(name, 0), TopicPartition(name, 1)], timeout=60)
    assert (low, high) == (0, 5)
    assert high - committed[0].offset == 3
    assert committed[1].offset < 0  # nothing was committed there


def test_the_end_that_is_listed_is_short_on_the_embedded_broker_and_the_fetched_one_is_right(
    broker: Broker, reader: Consumer
) -> None:
    """It lists the first offset of the last batch: whoever wants to know the end must look at what a fetch says."""
    name = create_topic(broker.bootstrap, "ends")
    writer = producer(broker.bootstrap, linger_ms=200)
    for _ in range(10):
        writer.produce(name, b"x")
    assert writer.flush(20) == 0

    listed = reader.get_watermark_offsets(TopicPartition(name, 0), timeout=60)[1]
    reader.assign([TopicPartition(name, 0, 0)])
    read(reader, 10)
    fetched = reader.get_watermark_offsets(TopicPartition(name, 0), cached=True)[1]

    assert fetched == 10
    assert listed == (1 if broker.kind == "embedded" else 10)


def test_one_can_read_from_any_offset(broker: Broker, reader: Consumer) -> None:
    name = create_topic(broker.bootstrap, "seekable")
    writer = producer(broker.bootstrap)
    for number in range(100):
        writer.produce(name, str(number).encode())
    assert writer.flush(20) == 0

    reader.assign([TopicPartition(name, 0, 90)])

    assert [message.value() for message in read(reader, 10)] == [str(number).encode() for number in range(90, 100)]


def test_ten_megabytes_pass_under_the_limit_of_our_topics(broker: Broker, reader: Consumer) -> None:
    spec = TopicLayout(prefix="large-").spec(Topic.EVENTS)
    name = create_topic(broker.bootstrap, spec.name, max_message_bytes=spec.config["max.message.bytes"])
    writer = producer(broker.bootstrap, message_max_bytes=20_000_000)
    delivered = Deliveries()
    value = b"0123456789" * 1_000_000

    writer.produce(name, value, on_delivery=delivered)
    assert writer.flush(30) == 0
    reader.assign([TopicPartition(name, 0, 0)])

    assert not delivered.errors
    assert read(reader, 1)[0].value() == value


def test_what_is_larger_is_refused_by_apache_kafka(broker: Broker) -> None:
    if broker.kind == "embedded":
        pytest.skip("the embedded broker takes records of any size")
    name = create_topic(broker.bootstrap, "limited", max_message_bytes="1000000")
    writer = producer(broker.bootstrap, message_max_bytes=20_000_000)
    delivered = Deliveries()

    writer.produce(name, b"0123456789" * 200_000, on_delivery=delivered)
    assert writer.flush(30) == 0

    assert [error.code() for error in delivered.errors] == [KafkaError.MSG_SIZE_TOO_LARGE]


def test_a_producer_refuses_what_is_over_its_own_limit(broker: Broker) -> None:
    name = create_topic(broker.bootstrap, "own-limit")
    writer = producer(broker.bootstrap, message_max_bytes=1_000_000)

    with pytest.raises(KafkaException) as refused:
        writer.produce(name, b"0" * 2_000_000)

    assert refused.value.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE


def test_a_topic_that_nobody_made_is_not_made_by_a_reader(broker: Broker, reader: Consumer) -> None:
    assert "never-made" not in reader.list_topics(timeout=5).topics
    with pytest.raises(KafkaException):
        reader.get_watermark_offsets(TopicPartition("never-made", 0), timeout=3)
    assert "never-made" not in reader.list_topics(timeout=5).topics
