"""Order within a lane, none between lanes."""

import asyncio
from collections.abc import Awaitable, Callable

from stream.delivery.keyed_tasks import Lanes


def _work(
    log: list[str], name: str, gate: asyncio.Event | None = None, result: bool = True
) -> Callable[[], Awaitable[bool]]:
    async def run() -> bool:
        log.append(f"{name} begins")
        if gate is not None:
            await gate.wait()
        log.append(f"{name} ends")
        return result

    return run


async def _settle(lanes: Lanes, most: int = 0) -> None:
    async with asyncio.timeout(5):
        await lanes.room(most + 1)


def test_a_lane_keeps_its_order_and_delays_no_other() -> None:
    async def scenario() -> None:
        lanes, log, gate = Lanes(), list[str](), asyncio.Event()
        lanes.start(0, "a", _work(log, "a1", gate))
        lanes.start(0, "a", _work(log, "a2"))
        lanes.start(0, "b", _work(log, "b1"))
        await _settle(lanes, most=2)
        assert log == ["a1 begins", "b1 begins", "b1 ends"]
        gate.set()
        await _settle(lanes)
        assert log[3:] == ["a1 ends", "a2 begins", "a2 ends"]

    asyncio.run(scenario())


def test_what_follows_something_left_is_left() -> None:
    async def scenario() -> None:
        lanes, log = Lanes(), list[str]()
        lanes.start(0, "a", _work(log, "a1", result=False))
        lanes.start(0, "a", _work(log, "a2"))
        await _settle(lanes)
        assert log == ["a1 begins", "a1 ends"]
        lanes.start(0, "a", _work(log, "a3"))
        await _settle(lanes)
        assert log[2:] == ["a3 begins", "a3 ends"]

    asyncio.run(scenario())


def test_cancelling_a_partition_ends_its_work_only() -> None:
    async def scenario() -> None:
        lanes, log, gate = Lanes(), list[str](), asyncio.Event()
        for partition in (0, 1):
            lanes.start(partition, "a", _work(log, f"first of {partition}", gate))
            lanes.start(partition, "a", _work(log, f"second of {partition}"))
        await asyncio.sleep(0)
        await lanes.cancel(0)
        gate.set()
        await _settle(lanes)
        assert [line for line in log if line.endswith("ends")] == ["first of 1 ends", "second of 1 ends"]
        assert lanes.failure is None

    asyncio.run(scenario())


def test_room_is_waited_for() -> None:
    async def scenario() -> None:
        lanes, gate = Lanes(), asyncio.Event()
        for key in "abc":
            lanes.start(0, key, _work([], key, gate))
        assert await lanes.room(5) == 2
        waiting = asyncio.create_task(lanes.room(3))
        await asyncio.sleep(0)
        assert not waiting.done()
        gate.set()
        assert await asyncio.wait_for(waiting, 60) >= 1

    asyncio.run(scenario())


def test_an_error_is_kept() -> None:
    async def scenario() -> None:
        async def fail() -> bool:
            raise OSError("the broker is gone")

        lanes, log = Lanes(), list[str]()
        lanes.start(0, "a", fail)
        lanes.start(0, "a", _work(log, "a2"))
        await _settle(lanes)
        assert str(lanes.failure) == "the broker is gone"
        assert log == []

    asyncio.run(scenario())
