"""A worker that takes partitions up has every value that was written to their changelog, however it was written."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path

import faust
import pytest
from confluent_kafka import Producer

from stream.config import StreamConfig
from stream.contracts.topics import StateTable, Topic, TopicLayout
from stream.exact.changelog import Changelog, pack_value
from stream.exact.faust_app import make_app
from tests.support.broker import Broker
from tests.support.kafka import producer
from tests.support.waiting import LEAST_S
from tidegate.backends.topics import ensure_topics

ANSWER_S = 30.0
INCARNATION = b"i" * 16
KEYS = 3_000
"""More than one turn of Faust's recovery takes before it looks at anything else."""
Values = dict[int, dict[str, bytes]]
Write = Callable[[Producer, str, int, list[tuple[str, bytes]]], None]


def in_one_request(client: Producer, topic: str, partition: int, values: list[tuple[str, bytes]]) -> None:
    """All in one batch: nothing is sent before the linger is over, or somebody waits."""
    for name, value in values:
        produce(client, topic, partition, name, value)
    assert client.flush(ANSWER_S) == 0


def one_by_one_and_two_at_last(client: Producer, topic: str, partition: int, values: list[tuple[str, bytes]]) -> None:
    for name, value in values[:4]:
        in_one_request(client, topic, partition, [(name, value)])
    in_one_request(client, topic, partition, values[4:-2])
    in_one_request(client, topic, partition, values[-2:])


def in_several_requests(client: Producer, topic: str, partition: int, values: list[tuple[str, bytes]]) -> None:
    for first in range(0, KEYS, KEYS // 7):
        in_one_request(client, topic, partition, values[first : first + KEYS // 7])


def produce(client: Producer, topic: str, partition: int, name: str, value: bytes) -> None:
    records, _ = Changelog({}).split(partition, name, pack_value(INCARNATION, int(value[-9:]), value))
    for key, record in records:
        client.produce(topic, record, key=key, partition=partition)


WRITERS: tuple[Write, ...] = (in_one_request, one_by_one_and_two_at_last, in_several_requests)
PARTITIONS = len(WRITERS)


async def recover(config: StreamConfig) -> Values:
    """What is known of each partition when its first input record is asked for."""
    app = make_app(config)
    table = app.exact_table(StateTable.COUNTS.value, PARTITIONS)
    found: Values = {}
    more = asyncio.Event()

    def resume(partition: int) -> int:
        found[partition] = table.values_of(partition, INCARNATION)[0]
        more.set()
        return 0

    topic = config.layout.name(Topic.EVENTS)

    async def agent(stream: faust.StreamT[bytes]) -> None:
        async for _ in stream:
            pass

    app.agent(app.topic(topic, key_type=bytes, value_type=bytes), name="agent")(agent)
    app.resume_from[topic] = resume
    app.finalize()
    await app.start()
    try:
        async with asyncio.timeout(LEAST_S):
            while len(found) < PARTITIONS:
                await more.wait()
                more.clear()
    finally:
        await app.stop()
    return found


@pytest.mark.slow
def test_every_key_has_its_last_value(broker: Broker, tmp_path: Path) -> None:
    """Two rounds: each key is there with a former value, which must not pass for the last one."""
    layout = TopicLayout(prefix=f"recovery-{uuid.uuid4().hex[:8]}-", event_partitions=PARTITIONS)
    ensure_topics(broker.bootstrap, layout)
    changelog = layout.changelog(StateTable.COUNTS).name
    client = producer(broker.bootstrap, linger_ms=500, batch_size=4_000_000)
    expected: Values = {}
    for round_ in range(2):
        for partition, write in enumerate(WRITERS):
            values = [(f"key-{key}", b"value %09d" % (round_ * KEYS + key)) for key in range(KEYS)]
            write(client, changelog, partition, values)
            expected[partition] = dict(values)

    found = asyncio.run(recover(StreamConfig(broker.bootstrap, layout, tmp_path)))

    for partition, wanted in expected.items():
        stale = {name for name, value in wanted.items() if found[partition].get(name) != value}
        assert not stale, f"{len(stale)} of {len(wanted)} keys of partition {partition} have no or a former value"
