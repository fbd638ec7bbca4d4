"""A broker that goes away and comes back: data kept or honestly gone, clients going on by themselves."""

from confluent_kafka import KafkaError, Message, TopicPartition

from tests.support.broker import Broker, admin
from tests.support.kafka import consumer, create_topic, producer, read, topic_id


def test_what_was_acknowledged_survives_a_kill_of_apache_kafka_and_nothing_survives_in_the_embedded_broker(
    own_broker: Broker,
) -> None:
    broker = own_broker
    name = create_topic(broker.bootstrap, "outage", partitions=1)
    before = topic_id(broker.bootstrap, name)
    writer = producer(broker.bootstrap)
    for number in range(500):
        writer.produce(name, str(number).encode())
    assert writer.flush(20) == 0

    broker.restart()

    if not broker.keeps_data:
        assert name not in admin(broker.bootstrap).list_topics(timeout=60).topics
        create_topic(broker.bootstrap, name)
        assert topic_id(broker.bootstrap, name) != before
        return
    assert topic_id(broker.bootstrap, name) == before
    reader = consumer(broker.bootstrap, "outage")
    reader.assign([TopicPartition(name, 0, 0)])
    assert [message.value() for message in read(reader, 500)] == [str(number).encode() for number in range(500)]
    reader.close()


def test_a_producer_delivers_each_record_once_over_an_outage(own_broker: Broker) -> None:
    """What was produced while the broker was away arrives when it is back, in order, without a duplicate.

    Not idempotent on the embedded broker: it has forgotten the producer's sequence, and refuses to go on with it.
    """
    broker = own_broker
    name = create_topic(broker.bootstrap, "patient")
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failed.append(error)

    writer = producer(
        broker.bootstrap, message_timeout_ms=60_000, reconnect_backoff_max_ms=500, enable_idempotence=broker.keeps_data
    )
    writer.produce(name, b"before", on_delivery=delivered)
    assert writer.flush(20) == 0
    broker.kill()
    for number in range(100):
        writer.produce(name, str(number).encode(), on_delivery=delivered)
    assert writer.flush(1) == 100  # nobody acknowledged

    broker.start()
    if not broker.keeps_data:
        create_topic(broker.bootstrap, name)
    assert writer.flush(60) == 0

    assert not failed
    reader = consumer(broker.bootstrap, "patient")
    reader.assign([TopicPartition(name, 0, 0)])
    expected = [b"before"] if broker.keeps_data else []
    expected += [str(number).encode() for number in range(100)]
    assert [message.value() for message in read(reader, len(expected))] == expected
    assert reader.get_watermark_offsets(TopicPartition(name, 0), cached=True) == (0, len(expected))
    reader.close()
