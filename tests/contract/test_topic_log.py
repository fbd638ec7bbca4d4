"""When the gateway's producer is replaced: never while its log is there, however its last batch was written."""

import uuid

from gateway.emission.producer_recovery import TopicLog
from tests.support.broker import Broker, embedded_broker
from tests.support.kafka import create_topic, producer

ANSWER_S = 30.0
PARTITIONS = 1


def write(bootstrap: str, topic: str) -> None:
    """Several records in one batch: the embedded broker names an end before the last of them."""
    client = producer(bootstrap)
    for _ in range(20):
        client.produce(topic, b"x", partition=0)
    assert client.flush(ANSWER_S) == 0


def test_a_log_that_holds_what_was_acknowledged_is_not_lost(broker: Broker) -> None:
    topic = f"log-{uuid.uuid4()}"
    create_topic(broker.bootstrap, topic, PARTITIONS)
    log = TopicLog(broker.bootstrap, topic)
    log.meet()
    assert log.is_lost(PARTITIONS, acked=False), "nothing is in it: another producer writes nothing twice"
    write(broker.bootstrap, topic)
    assert not log.is_lost(PARTITIONS, acked=True)
    assert not log.is_lost(PARTITIONS, acked=False), "what is in it may be ours"


def test_a_topic_that_was_made_again_is_another_log() -> None:
    topic = f"log-{uuid.uuid4()}"
    with embedded_broker() as broker:
        create_topic(broker.bootstrap, topic, PARTITIONS)
        log = TopicLog(broker.bootstrap, topic)
        log.meet()
        write(broker.bootstrap, topic)
        broker.kill()
        assert not log.is_lost(PARTITIONS, acked=True), "nobody can say"
        broker.start()
        assert not log.is_lost(PARTITIONS, acked=True), "there is nothing yet to write to"
        create_topic(broker.bootstrap, topic, PARTITIONS)
        write(broker.bootstrap, topic)
        assert log.is_lost(PARTITIONS, acked=True), "others have written more to the new one than we to the old one"
        log.forget()
        log.meet()
        assert not log.is_lost(PARTITIONS, acked=True)
