"""A stack that lost its power, with damage in every cache: it comes up, says what it lacks, and deploying heals it."""

import os
import signal
from pathlib import Path

import httpx

from tests.support.models import EXAMPLE, write_classifier, write_test_rows
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until
from tidegate.parts.leftovers import end_all


def _predict(stack: RunningStack) -> httpx.Response:
    return httpx.post(f"{stack.gateway_url}/v1/models/market/predict", json=EXAMPLE, timeout=60)


def _zero(path: Path) -> None:
    """As a file system leaves a file whose size was written and whose content was not: size and time are as before."""
    before = path.stat()
    path.chmod(0o600)
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _kill_all(stack: RunningStack) -> None:
    """The supervisor first: what it would start again stays down."""
    os.kill(stack.supervisor_pid(), signal.SIGKILL)
    end_all(str(stack.settings.home_path))


def test_a_stack_whose_caches_are_damaged_serves_again(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "market", toml='name = "market"\n')
    write_test_rows(folder, [EXAMPLE])
    with running_stack(tmp_path) as stack:
        home = stack.settings.home_path
        stack.tidegate("deploy", str(folder))
        answer = _predict(stack).json()["prediction"]
        _kill_all(stack)
        for each in home.glob("models/*/model.joblib"):
            _zero(each)
        _zero(home / "run" / "state.json")

        stack.tidegate("up")
        wait_until(lambda: _predict(stack).status_code == 200, 60, "the copy to be fetched again")
        assert _predict(stack).json()["prediction"] == answer
        assert "was not stopped the last time" in (stack.settings.logs_path / "supervisor.log").read_text()

        _kill_all(stack)
        for each in [*home.glob("models/*/model.joblib"), *home.glob("artifacts/*/model.joblib")]:
            _zero(each)
        stack.tidegate("up")
        lacking = wait_until(lambda: stack.json("status")["warnings"], 60, "what the model lacks")
        assert any("was changed in the store: deploy the model again" in each for each in lacking), lacking

        deployed = stack.json("deploy", str(folder))
        wait_until(lambda: _predict(stack).json().get("version") == deployed["version"], 60, "the new version")
        assert _predict(stack).json()["prediction"] == answer
