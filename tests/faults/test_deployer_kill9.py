"""kill -9 of the deployer with a job in it: a deployment is live or it is not, and whoever waits is told."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.deployer_client import ask, follow
from gateway.deployer_protocol import Ended, Line, Prepared, Submit, Taken
from storage.registry import JobState, Status
from tests.support.git_client import Clone, finished, remote_url
from tests.support.models import FEATURES, write_classifier
from tests.support.registry_of import jobs, live, statuses
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until
from tidegate.sockets import deployer_socket


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("kill")) as running:
        yield running


@pytest.fixture
def clone(stack: RunningStack, tmp_path: Path, request: pytest.FixtureRequest) -> Clone:
    """A repository of the test's own model."""
    made = Clone(tmp_path / "w", remote_url(stack, _model_of(request.node.name)))
    features = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    write_classifier(made.folder, toml=f"[features]\n{features}")
    made.commit()
    return made


def _model_of(test: str) -> str:
    return test.removeprefix("test_")[:40].replace("[", "-").replace("]", "")


def test_a_push_goes_on_in_the_next_life(stack: RunningStack, clone: Clone, request: pytest.FixtureRequest) -> None:
    model = _model_of(request.node.name)
    process = clone.start_push()
    wait_until(lambda: [job for job in jobs(stack, model) if job.state is JobState.RUNNING], 30, "the job to run")
    stack.kill("deployer")
    pushed = finished(process)

    assert pushed.code == 0, pushed
    assert "the deployer ended and was started again: the job begins anew" in pushed.told
    assert f"{model} version 1 is live" in pushed.told
    assert jobs(stack, model)[0].attempts == 2
    assert sorted(statuses(stack, model)) in ([Status.LIVE], [Status.FAILED, Status.LIVE])


class Waiting:
    """A job that is prepared, and waits for a git whose part the test plays."""

    def __init__(self, stack: RunningStack, clone: Clone, model: str, pusher: int) -> None:
        self._stack = stack
        self.socket = deployer_socket(stack.settings.run_path)
        self.repository = clone.folder / ".git"
        self.commit = clone.git("rev-parse", "HEAD")
        # Git has not taken the commit: the branch is not there yet.
        clone.git("checkout", "--quiet", "--detach")
        clone.git("update-ref", "-d", "refs/heads/main")
        folder = stack.settings.home_path / "staging" / f"push-{model}"
        shutil.copytree(clone.folder, folder, ignore=shutil.ignore_patterns(".git"))
        message = Submit(
            workspace="default",
            model=model,
            branch="main",
            preview=False,
            commit=self.commit,
            before="0" * 40,
            folder=str(folder),
            received_s=0.1,
            repository=str(self.repository),
            pusher=pusher,
            url=stack.gateway_url,
        )
        self.job = next(answer.job for answer in ask(self.socket, message) if isinstance(answer, Taken))
        assert any(isinstance(answer, Prepared) for answer in _until(self.follow(), Prepared))

    def follow(self) -> Iterator[Any]:
        return follow(self.socket, self.job)

    def kill_deployer(self) -> None:
        pid = self._stack.kill("deployer")
        self._stack.wait_ready("deployer", other_than=pid)


def _until(answers: Iterator[Any], last: type) -> list[Any]:
    found = []
    for answer in answers:
        found.append(answer)
        if isinstance(answer, last | Ended):
            return found
    return found


def test_what_git_takes_after_the_kill_goes_live(
    stack: RunningStack, clone: Clone, request: pytest.FixtureRequest
) -> None:
    model = _model_of(request.node.name)
    waiting = Waiting(stack, clone, model, os.getpid())
    assert statuses(stack, model) == [Status.STARTING]
    waiting.kill_deployer()
    assert statuses(stack, model) == [Status.STARTING]
    clone.git("update-ref", "refs/heads/main", waiting.commit)
    answers = _until(waiting.follow(), Ended)

    assert answers[-1].state == "succeeded"
    assert statuses(stack, model) == [Status.LIVE]
    assert any("is live: POST" in answer.text for answer in answers if isinstance(answer, Line))
    assert jobs(stack, model)[0].attempts == 1


def test_what_git_never_takes_is_let_go(stack: RunningStack, clone: Clone, request: pytest.FixtureRequest) -> None:
    model = _model_of(request.node.name)
    git = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        waiting = Waiting(stack, clone, model, git.pid)
        waiting.kill_deployer()
        assert statuses(stack, model) == [Status.STARTING]
    finally:
        git.kill()
        git.communicate()
    ended = _until(waiting.follow(), Ended)[-1]

    assert ended.state == "failed"
    assert "git did not take the commit" in ended.error
    assert statuses(stack, model) == [Status.FAILED]
    assert live(stack, model) == 0
