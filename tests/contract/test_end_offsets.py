"""Where partitions end, as a broker says it."""

import uuid

from stream.exact.end_offsets import EndOffsets
from tests.support.broker import Broker, embedded_broker
from tests.support.kafka import create_topic, producer

ANSWER_S = 30.0


def test_the_ends_of_several_topics_come_in_one_question_and_unknown_ones_are_left_out(broker: Broker) -> None:
    full, empty = (f"ends-{uuid.uuid4()}" for _ in range(2))
    for name in (full, empty):
        create_topic(broker.bootstrap, name)
    client = producer(broker.bootstrap)
    for _ in range(3):
        # Each alone: of a batch the embedded broker tells only where it begins.
        client.produce(full, b"x", partition=0)
        assert client.flush(ANSWER_S) == 0

    found = EndOffsets(broker.bootstrap).ask([(full, 0), (empty, 0), (full, 1000)], ANSWER_S)

    assert found == {(full, 0): 3, (empty, 0): 0}


def test_nothing_is_known_of_a_broker_that_is_gone() -> None:
    with embedded_broker() as gone:
        asker = EndOffsets(gone.bootstrap)

    assert asker.ask([("any", 0)], 0.5) == {}
    assert asker.ask([], 0.5) == {}
