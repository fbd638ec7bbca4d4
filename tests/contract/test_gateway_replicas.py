"""Several real runners as one: what the death of one costs, and what a request that kills may cost."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from gateway.routing.replicas import Replicas
from model_runner.wire.client import ClientConfig
from model_runner.wire.failures import RunnerFailedError, RunnerUnavailableError
from tests.support.behaviour import ANSWER, DIE, SLEEP, told
from tests.support.models import write_behaving
from tests.support.runners import RunnerProcess
from tests.support.waiting import wait_until

CONFIG = ClientConfig(reconnect_s=5.0)
COUNT = 3


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunnerProcess]]:
    scratch = tmp_path_factory.mktemp("replicas")
    folder = write_behaving(scratch / "m")
    found = [RunnerProcess(folder, scratch, f"d-{number}") for number in range(COUNT)]
    yield found
    for process in found:
        process.child.stop()


@pytest.fixture
def running(processes: list[RunnerProcess]) -> list[RunnerProcess]:
    """All of them up."""
    for process in processes:
        if not process.child.running:
            process.start()
    return processes


@asynccontextmanager
async def replicas(running: list[RunnerProcess], config: ClientConfig = CONFIG) -> AsyncIterator[Replicas]:
    found = Replicas([str(process.socket) for process in running], config)
    try:
        yield found
    finally:
        await found.close()


async def pid(found: Replicas) -> int:
    return (await found.describe()).pid


def test_requests_in_a_runner_that_is_killed_are_answered_by_another(running: list[RunnerProcess]) -> None:
    async def work() -> None:
        async with replicas(running) as found:
            await found.predict([told(ANSWER)])
            asked = [asyncio.create_task(found.predict([told(SLEEP)])) for _ in range(9)]
            await asyncio.sleep(0.2)
            running[0].child.kill()
            answers = await asyncio.gather(*asked)
            assert all(answer.predictions for answer in answers)
            assert found.under_way == 0

    asyncio.run(work())


def test_one_that_stops_takes_nothing_on_and_loses_nothing(running: list[RunnerProcess]) -> None:
    async def work() -> None:
        async with replicas(running) as found:
            await found.predict([told(ANSWER)])

            async def load() -> None:
                for _ in range(100):
                    assert (await found.predict([told(ANSWER)])).predictions

            under_load = [asyncio.create_task(load()) for _ in range(4)]
            await asyncio.to_thread(running[1].child.stop)
            await asyncio.gather(*under_load)

    asyncio.run(work())


def test_a_request_that_kills_its_runner_may_kill_one_more_and_then_fails(running: list[RunnerProcess]) -> None:
    async def work() -> None:
        async with replicas(running) as found:
            with pytest.raises(RunnerFailedError):
                await found.predict([told(DIE)])
            assert (await found.predict([told(ANSWER)])).predictions == [1.0], "the third one is left"

    asyncio.run(work())
    wait_until(lambda: sum(process.child.running for process in running) == 1, 10, "the end of two")


def test_each_gets_its_turn_and_one_that_loads_gets_none(running: list[RunnerProcess]) -> None:
    async def work() -> None:
        async with replicas(running) as found:
            await found.predict([told(ANSWER)])
            await asyncio.sleep(0.5)
            assert len({await pid(found) for _ in range(20)}) == COUNT
            running[2].child.kill()
            running[2].child.start()
            for _ in range(20):
                async with asyncio.timeout(0.5):
                    await found.predict([told(ANSWER)])

    asyncio.run(work())


def test_other_addresses_take_over_and_what_is_under_way_is_finished(running: list[RunnerProcess]) -> None:
    async def work() -> None:
        async with replicas(running[:2]) as found:
            await found.predict([told(ANSWER)])
            slow = [asyncio.create_task(found.predict([told(SLEEP)])) for _ in range(4)]
            await asyncio.sleep(0.1)
            found.move_to([str(running[2].socket)])
            assert await pid(found) == running[2].child.pid
            assert (await found.predict([told(ANSWER)])).predictions == [1.0]
            assert all(answer.predictions for answer in await asyncio.gather(*slow))

    asyncio.run(work())


def test_without_any_a_request_waits_a_bounded_time() -> None:
    async def work() -> None:
        async with replicas([], ClientConfig(reconnect_s=0.2)) as found:
            with pytest.raises(RunnerUnavailableError, match="none of 0"):
                await found.predict([told(ANSWER)])

    asyncio.run(work())
