"""Where partitions end, whatever the batches are that were written last, and while others write."""

import threading
import uuid

import pytest

from stream.broker.end_offsets import EndOffsets, EndUnknownError
from tests.support.broker import Broker, embedded_broker
from tests.support.kafka import create_topic, producer

ANSWER_S = 30.0


def write(bootstrap: str, topic: str, size: int) -> None:
    """Many records at once: asked where such a batch ends, the embedded broker says the offset after its first one."""
    client = producer(bootstrap)
    for _ in range(size):
        client.produce(topic, b"x", partition=0)
    assert client.flush(ANSWER_S) == 0


def test_the_ends_of_several_topics_come_in_one_question_and_unknown_ones_are_left_out(broker: Broker) -> None:
    full, empty = (f"ends-{uuid.uuid4()}" for _ in range(2))
    for name in (full, empty):
        create_topic(broker.bootstrap, name)
    asker = EndOffsets(broker.bootstrap)
    end = 0
    for size in (1, 40, 3):
        write(broker.bootstrap, full, size)
        end += size

        found = asker.ask([(full, 0), (empty, 0), (full, 1000)], ANSWER_S)

        assert found == {(full, 0): end, (empty, 0): 0}


def test_an_end_is_told_while_others_write_and_is_beyond_all_that_was_acknowledged(broker: Broker) -> None:
    topic = f"ends-{uuid.uuid4()}"
    create_topic(broker.bootstrap, topic)
    client, stopped, written = producer(broker.bootstrap), threading.Event(), threading.Event()
    acknowledged = [0]

    def delivered(_error: object, message: object) -> None:
        acknowledged[0] += 1
        written.set()

    def keep_writing() -> None:
        while not stopped.is_set():
            client.produce(topic, b"x", partition=0, on_delivery=delivered)
            client.poll(0.001)

    thread = threading.Thread(target=keep_writing)
    thread.start()
    try:
        assert written.wait(ANSWER_S)
        asker = EndOffsets(broker.bootstrap)
        for _ in range(5):
            before = acknowledged[0]
            assert asker.ask([(topic, 0)], ANSWER_S)[topic, 0] >= before
    finally:
        stopped.set()
        thread.join(ANSWER_S)
        assert client.flush(ANSWER_S) == 0


def test_nothing_is_known_of_a_broker_that_is_gone() -> None:
    with embedded_broker() as gone:
        asker = EndOffsets(gone.bootstrap)

    assert asker.ask([("any", 0)], 0.5) == {}
    assert asker.ask([], 0.5) == {}
    with pytest.raises(EndUnknownError, match=r"\('any', 0\)"):
        asker.ask_all([("any", 0)], 0.5)
