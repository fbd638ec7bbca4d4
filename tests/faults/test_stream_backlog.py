"""A worker that is held up before a backlog of large records holds a few of them, not all."""

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from gateway.events import encode_record
from stream.config import StreamConfig
from stream.contracts.topics import Topic, TopicLayout
from stream.worker import StreamWorker
from tests.support.broker import embedded_broker
from tests.support.kafka import producer
from tests.support.memory import anonymous_mb
from tests.support.traffic import announce, make_event, make_profile
from tidegate.backends.topics import ensure_topics

RECORDS = 500
RECORD_BYTES = 500_000
BACKLOG_MB = RECORDS * RECORD_BYTES / 1e6
HELD_UP_S = 6.0
MOST_MB = 80.0
"""8 of the queue, a fetch of 1 from each of 10 partitions, in two places at once, and what decoding one batch takes."""
LAYOUT = TopicLayout()


@pytest.mark.slow
def test_a_backlog_of_large_records_is_not_held_in_memory(tmp_path: Path) -> None:
    with embedded_broker() as broker:
        ensure_topics(broker.bootstrap, LAYOUT)
        client = producer(broker.bootstrap, message_max_bytes=1_000_000, queue_buffering_max_kbytes=1_000_000)
        announce(client, LAYOUT.name(Topic.DEPLOYMENTS), "large", make_profile("large", 1))
        value = _record()
        for number in range(RECORDS):
            client.produce(LAYOUT.name(Topic.EVENTS), value, partition=number % LAYOUT.event_partitions)
        assert client.flush(60) == 0
        grown = asyncio.run(_growth(broker.bootstrap, tmp_path, RECORDS))
    print(f"{grown:.0f} MB more for a backlog of {BACKLOG_MB:.0f} MB")
    assert grown < MOST_MB


def _record() -> bytes:
    rng = random.Random(1)
    value = encode_record([make_event(rng, number, "large", time.time()) for number in range(1000)])
    return b"\n".join([value] * (RECORD_BYTES // len(value)))


async def _growth(bootstrap: str, folder: Path, records: int) -> float:
    """MB at the most that the process grows by while its counting is held up, and until all is counted."""
    worker = StreamWorker(StreamConfig(bootstrap, LAYOUT, folder))
    await worker.start()
    before = peak = anonymous_mb(os.getpid())
    try:
        async with worker.counting._writing, asyncio.timeout(60):
            held_until = None
            while held_until is None or time.monotonic() < held_until:
                await asyncio.sleep(0.05)
                peak = max(peak, anonymous_mb(os.getpid()))
                if held_until is None and any(_taken(worker)):
                    held_until = time.monotonic() + HELD_UP_S
        async with asyncio.timeout(120):
            while sum(_taken(worker)) < records:
                await asyncio.sleep(0.05)
                peak = max(peak, anonymous_mb(os.getpid()))
    finally:
        await worker.stop()
    return peak - before


def _taken(worker: StreamWorker) -> list[int]:
    (inputs,) = worker.counting.inputs.values()
    return [expected.next_offset for expected in inputs.expected.values()]
