"""kill -9 of, and around, the process in which a model is checked: who deploys is told, and nothing is left."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gateway.deployer.protocol import Ended
from storage.registry import JobState, Status
from tests.support.git_client import Clone, finished, remote_url
from tests.support.models import EXAMPLE, FEATURES, write_classifier
from tests.support.prepared_job import PreparedJob, until
from tests.support.registry_of import jobs, statuses
from tests.support.scripted import write_scripted
from tests.support.shared_stack import SharedStack
from tests.support.stack import COMMAND_S, RunningStack
from tests.support.waiting import wait_until
from tidegate.sockets import runner_socket

FOR_EVER_S = 3600.0
COMPARED = """\
import time

ASKED = [0]


def load(folder):
    return folder


def predict(folder, rows):
    ASKED[0] += 1
    print("asked", ASKED[0], flush=True)
    if ASKED[0] > 2:
        time.sleep(3600)
    return [1.0 for row in rows]
"""
"""It answers its example and its test rows, and stays away when it is asked once more."""


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Iterator[RunningStack]:
    # Its supervisor is killed.
    with shared_stack.lend(parts_end=True) as running:
        yield running


@contextmanager
def _deploying(stack: RunningStack, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`tidegate deploy`, which is no process of the stack."""
    command = [sys.executable, "-c", "from tidegate.cli import main; main()", "deploy", str(folder)]
    # Wide, so that no line is broken; of no stack, so that whoever ends one leaves it alone.
    env = {**stack.env, "COLUMNS": "500"}
    with subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.kill()


def _said(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=COMMAND_S)
    assert process.returncode not in (0, -signal.SIGKILL), said
    return said


def _runners(stack: RunningStack) -> set[str]:
    return {name.removeprefix("runner-") for name in stack.parts() if name.startswith("runner-")}


class _Checked:
    """The process in which the next model is checked."""

    def __init__(self, stack: RunningStack, before: set[str]) -> None:
        self._stack = stack
        (self.name,) = wait_until(lambda: _runners(stack) - before, 60, "the process that is checked")
        self.pid = int(wait_until(self._pid, 60, "its number"))
        self.log = stack.settings.logs_path / f"runner-{self.name}.log"

    def _pid(self) -> int:
        return int(self._stack.parts().get(f"runner-{self.name}", {}).get("pid") or 0)

    def said(self) -> str:
        """Its log, which is not there before its first word."""
        return self.log.read_text() if self.log.exists() else ""

    def left(self) -> list[str]:
        """What there still is of it."""
        settings = self._stack.settings
        folders = settings.home_path / "candidates" / self.name, runner_socket(settings.run_path, self.name).parent
        paths = [path for path in (*folders, Path(f"/proc/{self.pid}")) if path.exists()]
        return [str(path) for path in (*paths, *self.log.parent.glob(f"{self.log.name}*"))]

    def wait_gone(self) -> None:
        wait_until(lambda: self.name not in _runners(self._stack), 60, "it to be ended")
        wait_until(lambda: not self.left(), 60, f"nothing to be left: {self.left()}")


def _loads_for_ever(folder: Path, name: str) -> Path:
    return write_scripted(folder, "[limits]\nload_seconds = 600", load_s=FOR_EVER_S, name=name)


def _compares_for_ever(folder: Path, name: str) -> Path:
    write_scripted(folder, "", name=name)
    (folder / "predict.py").write_text(COMPARED)
    (folder / "test_data.json").write_text(json.dumps({"instances": [{"wait": 0.0}, {"wait": 1.0}]}))
    return folder


def _works(stack: RunningStack, folder: Path) -> None:
    """A push after it does what every push does."""
    said = stack.tidegate("deploy", str(write_scripted(folder, "", name="after"))).stdout
    assert "served by the process that was checked" in said


def test_it_is_killed_while_it_loads(stack: RunningStack, tmp_path: Path) -> None:
    before = _runners(stack)
    with _deploying(stack, _loads_for_ever(tmp_path / "m", "loading")) as deploying:
        checked = _Checked(stack, before)
        os.kill(checked.pid, signal.SIGKILL)
        said = _said(deploying)
    assert "predict.py: ended its process while it was loaded (SIGKILL)" in " ".join(said.split())
    assert "Stage: load." in said
    checked.wait_gone()
    assert statuses(stack, "loading") == []


def test_it_is_killed_while_it_is_compared(stack: RunningStack, tmp_path: Path) -> None:
    before = _runners(stack)
    with _deploying(stack, _compares_for_ever(tmp_path / "m", "compared")) as deploying:
        checked = _Checked(stack, before)
        wait_until(lambda: "asked 3" in checked.said(), 60, "it to be compared")
        os.kill(checked.pid, signal.SIGKILL)
        said = _said(deploying)
    assert "went away" in said, said
    checked.wait_gone()
    assert statuses(stack, "compared") == []
    _works(stack, tmp_path / "after")


def test_the_deployer_is_killed_and_the_job_is_cancelled_in_its_next_life(stack: RunningStack, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", remote_url(stack, "pushed"))
    _loads_for_ever(clone.folder, "pushed")
    clone.commit()
    before = _runners(stack)
    pushing = clone.start_push()
    first = _Checked(stack, before)
    stack.wait_ready("deployer", other_than=stack.kill("deployer"))
    second = _Checked(stack, {*before, first.name})
    first.wait_gone()

    (job,) = jobs(stack, "pushed")
    assert job.attempts == 2
    stack.tidegate("cancel", str(job.id))
    pushed = finished(pushing)
    assert pushed.code != 0
    assert "cancelled" in pushed.told
    second.wait_gone()
    assert jobs(stack, "pushed")[0].state is JobState.CANCELLED
    _works(stack, tmp_path / "after")


def test_the_supervisor_is_killed_while_it_loads(stack: RunningStack, tmp_path: Path) -> None:
    before = _runners(stack)
    spare, pid = stack.spare_runner()
    with _deploying(stack, _loads_for_ever(tmp_path / "m", "orphan")) as deploying:
        checked = _Checked(stack, before)
        assert len(checked.left()) >= 3
        os.kill(stack.supervisor_pid(), signal.SIGKILL)
        said = _said(deploying)
    assert "the stack ended while the model was checked: deploy it again" in " ".join(said.split())
    wait_until(lambda: not Path(f"/proc/{checked.pid}").exists(), 60, "it to end with its supervisor")
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 60, "the one that was ready to end with it")
    stack.tidegate("up")
    checked.wait_gone()
    assert statuses(stack, "orphan") == []
    assert not (stack.settings.home_path / "candidates" / spare).exists()
    assert not runner_socket(stack.settings.run_path, spare).parent.exists()
    _works(stack, tmp_path / "after")


def test_the_supervisor_is_killed_between_the_check_and_the_switch(stack: RunningStack, tmp_path: Path) -> None:
    """It was kept as the runner of a deployment that git has not taken yet."""
    clone = Clone(tmp_path / "w", remote_url(stack, "kept"))
    declared = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    write_classifier(clone.folder, f'name = "kept"\n[features]\n{declared}')
    clone.commit()
    before = _runners(stack)
    spare, pid = stack.spare_runner()
    job = PreparedJob(stack, clone, "kept", os.getpid())
    checked = _Checked(stack, before)
    assert checked.pid == pid, "it was ready before"
    assert statuses(stack, "kept") == [Status.STARTING]
    os.kill(stack.supervisor_pid(), signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{checked.pid}").exists(), 60, "it to end with its supervisor")
    stack.tidegate("up")

    clone.git("update-ref", "refs/heads/main", job.commit)
    assert until(job.follow(), Ended)[-1].state == "succeeded"
    assert statuses(stack, "kept") == [Status.LIVE]
    folders = stack.settings.home_path / "candidates"
    assert not {spare, checked.name} & {path.name for path in folders.iterdir()}, "its runner serves the artifact"
    assert checked.log.is_file(), "its deployment's log is kept"
    url = f"{stack.gateway_url}/v1/models/kept/predict"
    answer = httpx.post(url, json={"instances": [EXAMPLE]}, timeout=60).raise_for_status().json()
    assert len(answer["predictions"]) == 1
