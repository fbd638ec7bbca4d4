"""Checking hostile folders as deploy does: the attack fails, the error says what to do, and the next folder passes."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from model_runner.checking.check import check_model
from model_runner.errors import ModelError
from model_runner.limits import Limits
from model_runner.sandbox.plan import Mechanism
from model_runner.sandbox.policy import SandboxPolicy
from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import PredictionFailedError, RunnerFailedError
from tests.support.attacks import MECHANISMS, confined_runner, policy_of, write_attacker
from tests.support.models import write_classifier
from tests.support.readiness import wait_ready
from tests.support.waiting import wait_until

LOAD_S = 15


@pytest.fixture(params=MECHANISMS)
def mechanism(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mechanism]:
    found = Mechanism(request.param)
    policy_of(found)
    yield found
    # Nothing of a check is left, whatever it did.
    wait_until(lambda: _left(tmp_path) == [], 5, "the end of all that was started")


def _left(tmp_path: Path) -> list[str]:
    commands = []
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if str(tmp_path) in command and process.pid != os.getpid():
            commands.append(command)
    return commands


def _refusal(folder: Path, policy: SandboxPolicy) -> ModelError:
    with pytest.raises(ModelError) as raised:
        check_model(folder, timeout_s=60, sandbox=policy)
    assert raised.value.stage == "load"
    return raised.value


def test_hostile_folders_are_refused_and_a_good_one_passes_after_them(mechanism: Mechanism, tmp_path: Path) -> None:
    policy = policy_of(mechanism)
    secret = tmp_path / "registry.sqlite"
    secret.write_text("secret")

    reads = _refusal(write_attacker(tmp_path / "reads", f"read {secret}"), policy)
    assert str(secret) in reads.problem
    assert "Models run in a sandbox: they read their own folder" in reads.fix

    forks = _refusal(write_attacker(tmp_path / "forks", "fork_bomb x"), policy)
    assert "PermissionError" in forks.problem
    assert "no processes of their own" in forks.fix

    dies = _refusal(write_attacker(tmp_path / "dies", "suicide x"), policy)
    assert "ended its process while it was loaded (SIGKILL)" in dies.problem

    good = check_model(write_classifier(tmp_path / "good"), sandbox=policy)
    assert good.test_predictions[0]["class"] == "UP"


def test_a_memory_bomb_meets_the_limit_of_its_toml(mechanism: Mechanism, tmp_path: Path) -> None:
    folder = write_attacker(tmp_path / "m", "memory x", 'memory = "512MB"')
    error = _refusal(folder, policy_of(mechanism))
    assert error.problem == "the model used more than 512 MB while it was loaded"
    assert '[limits] memory in tidegate.toml (memory = "1.024GB")' in error.fix


def test_a_load_that_never_ends_is_ended_by_the_limit_of_its_toml(mechanism: Mechanism, tmp_path: Path) -> None:
    folder = write_attacker(tmp_path / "m", "loop x", "load_seconds = 4")
    began = time.monotonic()
    error = _refusal(folder, policy_of(mechanism))
    assert error.problem == "was not loaded within 4 s"
    assert "[limits] load_seconds in tidegate.toml" in error.fix
    assert time.monotonic() - began < 4 + LOAD_S


def test_a_prediction_over_memory_fails_alone(mechanism: Mechanism, tmp_path: Path) -> None:
    limits = Limits(memory_bytes=512_000_000)
    folder = write_attacker(tmp_path / "m", limits='memory = "512MB"')
    with confined_runner(folder, tmp_path / "b", mechanism, limits) as runner:
        asyncio.run(wait_ready(runner.socket, 60))

        async def ask() -> None:
            client = RunnerClient(runner.socket)
            with pytest.raises(PredictionFailedError, match=r"used more than 512 MB while it predicted\. Raise"):
                await client.predict([{"act": "memory", "target": ""}])
            assert (await client.predict([{"act": "answer", "target": "1"}])).predictions == ["GOT 1"]
            await client.close()

        asyncio.run(ask())


def test_a_prediction_that_takes_too_long_says_so_and_ends_the_runner(mechanism: Mechanism, tmp_path: Path) -> None:
    folder = write_attacker(tmp_path / "m")
    with confined_runner(folder, tmp_path / "b", mechanism, Limits(predict_seconds=0.5)) as runner:
        asyncio.run(wait_ready(runner.socket, 60))

        async def ask() -> None:
            client = RunnerClient(runner.socket, ClientConfig(reconnect_s=0.1))
            with pytest.raises(PredictionFailedError, match=r"at it for more than 0.5 s.*predict_seconds"):
                await client.predict([{"act": "sleep", "target": "30"}])
            await client.close()

        asyncio.run(ask())
        wait_until(lambda: not runner.child.running, 5, "the runner's end")


def test_code_that_never_lets_go_of_the_interpreter_is_ended_too(tmp_path: Path) -> None:
    policy_of(Mechanism.LANDLOCK)
    folder = write_attacker(tmp_path / "m")
    with confined_runner(folder, tmp_path / "b", Mechanism.LANDLOCK, Limits(predict_seconds=0.5)) as runner:
        asyncio.run(wait_ready(runner.socket, 60))

        async def ask() -> None:
            client = RunnerClient(runner.socket)
            with pytest.raises(RunnerFailedError, match="went away"):
                await client.predict([{"act": "hold", "target": ""}])
            await client.close()

        asyncio.run(ask())
        assert "Timeout" in runner.child.log_tail(10_000)


def test_test_rows_that_take_too_long_are_named(tmp_path: Path) -> None:
    folder = write_attacker(tmp_path / "m", limits="predict_seconds = 0.5")
    (folder / "test_data.json").write_text('{"instances": [{"act": "sleep", "target": "30"}]}')
    # The example of tidegate.toml is what warms the model.
    toml = (folder / "tidegate.toml").read_text()
    (folder / "tidegate.toml").write_text(f'{toml}[example]\nact = "answer"\ntarget = "1"\n')
    with pytest.raises(ModelError, match=r"test_data.json: the model was at it for more than 0.5 s"):
        check_model(folder)
