"""Order within a lane, none between lanes."""

import asyncio
from collections.abc import Awaitable, Callable

from stream.delivery.keyed_tasks import KeyedTasks


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


async def _settle(tasks: KeyedTasks, most: int = 0) -> None:
    async with asyncio.timeout(5):
        await tasks.room(most + 1)


def test_a_lane_keeps_its_order_and_delays_no_other() -> None:
    async def scenario() -> None:
        tasks, log, gate = KeyedTasks(), list[str](), asyncio.Event()
        tasks.start(0, "a", _work(log, "a1", gate))
        tasks.start(0, "a", _work(log, "a2"))
        tasks.start(0, "b", _work(log, "b1"))
        await _settle(tasks, most=2)
        assert log == ["a1 begins", "b1 begins", "b1 ends"]
        gate.set()
        await _settle(tasks)
        assert log[3:] == ["a1 ends", "a2 begins", "a2 ends"]

    asyncio.run(scenario())


def test_what_follows_something_left_is_left() -> None:
    async def scenario() -> None:
        tasks, log = KeyedTasks(), list[str]()
        tasks.start(0, "a", _work(log, "a1", result=False))
        tasks.start(0, "a", _work(log, "a2"))
        await _settle(tasks)
        assert log == ["a1 begins", "a1 ends"]
        tasks.start(0, "a", _work(log, "a3"))
        await _settle(tasks)
        assert log[2:] == ["a3 begins", "a3 ends"]

    asyncio.run(scenario())


def test_cancelling_a_partition_ends_its_work_only() -> None:
    async def scenario() -> None:
        tasks, log, gate = KeyedTasks(), list[str](), asyncio.Event()
        for partition in (0, 1):
            tasks.start(partition, "a", _work(log, f"first of {partition}", gate))
            tasks.start(partition, "a", _work(log, f"second of {partition}"))
        await asyncio.sleep(0)
        await tasks.cancel(0)
        gate.set()
        await _settle(tasks)
        assert [line for line in log if line.endswith("ends")] == ["first of 1 ends", "second of 1 ends"]
        assert tasks.failure is None

    asyncio.run(scenario())


def test_room_is_waited_for() -> None:
    async def scenario() -> None:
        tasks, gate = KeyedTasks(), asyncio.Event()
        for key in "abc":
            tasks.start(0, key, _work([], key, gate))
        assert await tasks.room(5) == 2
        waiting = asyncio.create_task(tasks.room(3))
        await asyncio.sleep(0)
        assert not waiting.done()
        gate.set()
        assert await asyncio.wait_for(waiting, 60) >= 1

    asyncio.run(scenario())


def test_an_error_is_kept() -> None:
    async def scenario() -> None:
        async def fail() -> bool:
            raise OSError("the broker is gone")

        tasks, log = KeyedTasks(), list[str]()
        tasks.start(0, "a", fail)
        tasks.start(0, "a", _work(log, "a2"))
        await _settle(tasks)
        assert str(tasks.failure) == "the broker is gone"
        assert log == []

    asyncio.run(scenario())
