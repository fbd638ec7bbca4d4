"""A real runner process over its socket: answers, batches, and what it refuses."""

import asyncio
import select
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_runner.process.listening import bind
from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import (
    PredictionFailedError,
    RunnerFailedError,
    RunnerOverloadedError,
    RunnerTimeoutError,
    RunnerUnavailableError,
)
from model_runner.wire.frames import OF_THE_CONNECTION, Reply, encode_frame
from tests.support.behaviour import ANSWER, RAISE, SLEEP, SLEEP_LONG, SLEEP_S, told
from tests.support.models import EXAMPLE, classifier, write_behaving, write_classifier
from tests.support.readiness import wait_ready
from tests.support.runners import RunnerProcess, runner, until_busy


@pytest.fixture(scope="module")
def behaving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a runner whose model does what it is told."""
    scratch = tmp_path_factory.mktemp("behaving")
    with runner(write_behaving(scratch / "m"), scratch) as process:
        yield process.socket


def test_predictions_are_those_of_the_model(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "m")

    async def ask(socket: Path) -> None:
        info = await wait_ready(socket, 10)
        assert info.task == "classification"
        assert info.example == EXAMPLE
        client = RunnerClient(socket)
        reply = await client.predict([EXAMPLE, {**EXAMPLE, "price": -5.0}])
        await client.close()
        model = classifier()
        rows = [list(EXAMPLE.values()), [-5.0, -0.25, 1.0]]
        assert reply.predictions is not None
        assert [answer["class"] for answer in reply.predictions] == model.predict(rows).tolist()
        scores = [answer["score"] for answer in reply.predictions]
        assert scores == pytest.approx(model.predict_proba(rows)[:, 1].tolist())
        assert reply.batch_size == 2

    with runner(folder, tmp_path) as process:
        asyncio.run(ask(process.socket))


def test_arrivals_during_a_prediction_leave_together(behaving: Path) -> None:
    async def ask(socket: Path) -> list[int]:
        client = RunnerClient(socket)
        slow = asyncio.create_task(client.predict([told(SLEEP)]))
        await until_busy(client)
        replies = await asyncio.gather(*[client.predict([told(ANSWER)]) for _ in range(20)])
        assert (await slow).batch_size == 1
        await client.close()
        return [reply.batch_size for reply in replies]

    assert asyncio.run(ask(behaving)) == [20] * 20


def test_an_idle_runner_does_not_wait_for_others(behaving: Path) -> None:
    async def ask(socket: Path) -> list[int]:
        client = RunnerClient(socket)
        replies = [await client.predict([told(ANSWER)]) for _ in range(5)]
        await client.close()
        return [reply.batch_size for reply in replies]

    assert asyncio.run(ask(behaving)) == [1] * 5


def test_a_batch_stays_within_its_rows(tmp_path: Path) -> None:
    async def ask(socket: Path) -> list[int]:
        client = RunnerClient(socket)
        slow = asyncio.create_task(client.predict([told(SLEEP)]))
        await until_busy(client)
        replies = await asyncio.gather(*[client.predict([told(ANSWER)] * 3) for _ in range(4)])
        await slow
        await client.close()
        return [reply.batch_size for reply in replies]

    with runner(write_behaving(tmp_path / "m"), tmp_path, arguments=("--max-batch-rows", "6")) as process:
        assert asyncio.run(ask(process.socket)) == [6] * 4


def test_a_poisoned_row_fails_only_its_own_request(behaving: Path) -> None:
    async def ask(socket: Path) -> None:
        client = RunnerClient(socket)
        slow = asyncio.create_task(client.predict([told(SLEEP)]))
        await until_busy(client)
        found = await asyncio.gather(
            client.predict([told(ANSWER)]),
            client.predict([told(RAISE)]),
            client.predict([told(ANSWER)]),
            return_exceptions=True,
        )
        await slow
        await client.close()
        first, poisoned, last = found
        assert isinstance(poisoned, PredictionFailedError)
        assert "ValueError: poisoned row" in str(poisoned)
        for reply in (first, last):
            assert not isinstance(reply, BaseException)
            assert reply.predictions == [1.0]

    asyncio.run(ask(behaving))


@pytest.mark.parametrize("cancelled", [0, 1, 2])
def test_a_cancelled_request_does_not_hold_up_its_batch(behaving: Path, cancelled: int) -> None:
    async def ask(socket: Path) -> None:
        client = RunnerClient(socket)
        slow = asyncio.create_task(client.predict([told(SLEEP)]))
        await until_busy(client)
        waiting = [asyncio.create_task(client.predict([told(ANSWER)])) for _ in range(3)]
        await asyncio.sleep(0)  # each has sent its frame
        waiting[cancelled].cancel()
        others = [task for i, task in enumerate(waiting) if i != cancelled]
        async with asyncio.timeout(SLEEP_S + 5):
            replies = await asyncio.gather(*others)
        assert [reply.batch_size for reply in replies] == [2, 2], "the cancelled one was still computed"
        with pytest.raises(asyncio.CancelledError):
            await waiting[cancelled]
        await slow
        assert client.under_way == 0
        await client.close()

    asyncio.run(ask(behaving))


def test_a_client_that_goes_away_does_not_hold_up_the_others(behaving: Path) -> None:
    async def ask(socket: Path) -> None:
        leaving, staying = RunnerClient(socket), RunnerClient(socket)
        slow = asyncio.create_task(staying.predict([told(SLEEP)]))
        await until_busy(staying)
        gone = asyncio.create_task(leaving.predict([told(ANSWER)]))
        await leaving.describe()
        stays = asyncio.create_task(staying.predict([told(ANSWER)]))
        await leaving.close()
        async with asyncio.timeout(SLEEP_S + 5):
            reply = await stays
        assert reply.batch_size == 1
        await asyncio.gather(slow, gone, return_exceptions=True)
        await staying.close()

    asyncio.run(ask(behaving))


def test_a_full_queue_refuses_at_once_on_either_side(tmp_path: Path) -> None:
    async def ask(socket: Path) -> None:
        patient = RunnerClient(socket)
        slow = asyncio.create_task(patient.predict([told(SLEEP)]))
        await until_busy(patient)
        found = await asyncio.gather(*[patient.predict([told(ANSWER)]) for _ in range(10)], return_exceptions=True)
        refused = [each for each in found if isinstance(each, RunnerOverloadedError)]
        assert len(refused) == 6, "four may wait in this runner"
        await slow
        narrow = RunnerClient(socket, ClientConfig(queue=2))
        found = await asyncio.gather(*[narrow.predict([told(ANSWER)]) for _ in range(3)], return_exceptions=True)
        assert [type(each) for each in found].count(RunnerOverloadedError) == 1
        await asyncio.gather(patient.close(), narrow.close())

    with runner(write_behaving(tmp_path / "m"), tmp_path, arguments=("--max-waiting", "4")) as process:
        asyncio.run(ask(process.socket))


def test_a_prediction_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    async def ask(socket: Path) -> None:
        client = RunnerClient(socket, ClientConfig(timeout_s=0.2))
        with pytest.raises(RunnerTimeoutError, match=r"0\.2 s"):
            await client.predict([told(SLEEP_LONG)])
        assert (await client.describe()).busy_s > 0.1, "a busy model must not silence the runner"
        await client.close()

    with runner(write_behaving(tmp_path / "m"), tmp_path, arguments=("--drain-s", "0.1")) as process:
        asyncio.run(ask(process.socket))


def test_whatever_is_asked_as_it_stops_is_answered_or_was_never_begun(tmp_path: Path) -> None:
    """A request that is cut off unseen could not be asked of another: nobody would know whether it was begun."""

    async def ask(client: RunnerClient, outcomes: Counter[str]) -> None:
        while not outcomes["unavailable"]:
            try:
                await client.predict([told(ANSWER)])
            except RunnerUnavailableError:
                outcomes["unavailable"] += 1
            except RunnerFailedError:
                outcomes["cut off"] += 1
                return
            else:
                outcomes["answered"] += 1

    async def stop_it(process: RunnerProcess, outcomes: Counter[str]) -> None:
        clients = [RunnerClient(process.socket, ClientConfig(reconnect_s=0.01)) for _ in range(4)]
        asking = [asyncio.create_task(ask(client, outcomes)) for client in clients for _ in range(8)]
        enough = outcomes["answered"] + 50
        while outcomes["answered"] < enough:  # noqa: ASYNC110  the runner is another process
            await asyncio.sleep(0.005)
        await asyncio.to_thread(process.child.stop)
        await asyncio.gather(*asking)
        for client in clients:
            await client.close()

    outcomes: Counter[str] = Counter()
    folder = write_behaving(tmp_path / "m")
    for turn in range(3):
        with runner(folder, tmp_path / str(turn)) as process:
            asyncio.run(stop_it(process, outcomes))
        outcomes["unavailable"] = 0
    assert outcomes["cut off"] == 0, outcomes
    assert outcomes["answered"] > 150


@pytest.mark.parametrize("taken_on", [False, True])
def test_what_a_runner_never_read_may_be_asked_elsewhere(tmp_path: Path, taken_on: bool) -> None:
    """Who is connected to a process that ends before it accepts was read by nobody; who was accepted may have been."""

    async def run() -> None:
        listener = bind(tmp_path / "s")
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        client = RunnerClient(tmp_path / "s", ClientConfig(reconnect_s=0.01))
        asked = asyncio.create_task(client.predict([told(ANSWER)]))
        if taken_on:
            accepted, _ = await loop.sock_accept(listener)
            accepted.setblocking(False)
            await loop.sock_sendall(accepted, encode_frame(Reply(OF_THE_CONNECTION)))
            await loop.sock_recv(accepted, 4096)
            accepted.close()
        else:
            while not select.select([listener], [], [], 0)[0]:  # noqa: ASYNC110  somebody is connected
                await asyncio.sleep(0.005)
        listener.close()
        with pytest.raises(RunnerFailedError if taken_on else RunnerUnavailableError):
            await asked
        await client.close()

    asyncio.run(run())
