"""A record that no broker takes costs a dead letter, at once or when the broker refuses it, and nothing else."""

import asyncio
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from stream.config import StreamConfig
from stream.contracts import dead_letters
from stream.contracts.topics import Topic, TopicLayout
from stream.exact.sender import Sender

LAYOUT = TopicLayout()


class SmallBroker:
    """Takes records of at most so many bytes. `late`: refuses the others when it has them, as a broker does."""

    def __init__(self, most: int, late: bool) -> None:
        self.most, self.late = most, late
        self.taken: list[tuple[str, bytes]] = []

    async def publish(self, topic: str, _key: bytes, value: bytes) -> Awaitable[Any]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if len(value) <= self.most:
            self.taken.append((topic, value))
            done.set_result(None)
        elif self.late:
            done.set_exception(MessageSizeTooLargeError())
        else:
            raise MessageSizeTooLargeError
        return done

    async def reposition(self, topic: str, partition: int, offset: int) -> None: ...

    async def ends_of(self, _topic: str, _partitions: Iterable[int]) -> dict[int, int]:
        return {}


@pytest.mark.parametrize("late", [True, False])
def test_what_is_too_large_is_a_dead_letter_and_the_others_go_on(late: bool) -> None:
    broker = SmallBroker(10_000, late)

    async def send() -> None:
        sender = Sender(broker, StreamConfig(bootstrap="nowhere:1", layout=LAYOUT, data_folder=Path("unused")))
        sizes = {"small": 10, "large": 20_000, "after": 10}
        await asyncio.gather(*[await sender.send(Topic.PANES, key, b"x" * size) for key, size in sizes.items()])

    asyncio.run(send())
    panes = [value for topic, value in broker.taken if topic == LAYOUT.name(Topic.PANES)]
    assert [len(value) for value in panes] == [10, 10]
    (letter,) = [dead_letters.decode(value) for topic, value in broker.taken if topic != LAYOUT.name(Topic.PANES)]
    assert (letter.topic, letter.reason, letter.size) == (LAYOUT.name(Topic.PANES), "too_large", 20_000)
    assert "a record of 20000 bytes for large is more than topic feature.panes takes" in letter.detail


@pytest.mark.parametrize("late", [True, False])
def test_a_broker_that_takes_not_even_the_letter_stops_nothing(late: bool) -> None:
    broker = SmallBroker(10, late)

    async def send() -> None:
        sender = Sender(broker, StreamConfig(bootstrap="nowhere:1", layout=LAYOUT, data_folder=Path("unused")))
        await (await sender.send(Topic.PANES, "large", b"x" * 20_000))

    asyncio.run(asyncio.wait_for(send(), 60))
    assert not broker.taken
