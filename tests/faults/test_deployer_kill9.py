"""kill -9 of the deployer with a job in it: a deployment is live or it is not, and whoever waits is told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.deployer.protocol import Ended, Line
from storage.registry import JobState, Status
from tests.support.git_client import Clone, finished, remote_url
from tests.support.models import FEATURES, write_classifier
from tests.support.prepared_job import PreparedJob, until
from tests.support.registry_of import jobs, live, statuses
from tests.support.scripted import write_scripted
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Iterator[RunningStack]:
    # A deployer is killed.
    with shared_stack.lend(parts_end=True) as running:
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


def test_a_push_goes_on_in_the_next_life(stack: RunningStack, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    model = _model_of(request.node.name)
    clone = Clone(tmp_path / "w", remote_url(stack, model))
    write_scripted(clone.folder, "", load_s=5.0, name=model)  # long enough for the kill to come before its end
    clone.commit()
    process = clone.start_push()
    wait_until(lambda: [job for job in jobs(stack, model) if job.state is JobState.RUNNING], 30, "the job to run")
    stack.kill("deployer")
    pushed = finished(process)

    assert pushed.code == 0, pushed
    assert "the deployer ended and was started again: the job begins anew" in pushed.told
    assert f"{model} version 1 is live" in pushed.told
    assert jobs(stack, model)[0].attempts == 2
    assert sorted(statuses(stack, model)) in ([Status.LIVE], [Status.FAILED, Status.LIVE])


def test_what_git_takes_after_the_kill_goes_live(
    stack: RunningStack, clone: Clone, request: pytest.FixtureRequest
) -> None:
    model = _model_of(request.node.name)
    waiting = PreparedJob(stack, clone, model, os.getpid())
    assert statuses(stack, model) == [Status.STARTING]
    waiting.kill_deployer()
    assert statuses(stack, model) == [Status.STARTING]
    clone.git("update-ref", "refs/heads/main", waiting.commit)
    answers = until(waiting.follow(), Ended)

    assert answers[-1].state == "succeeded"
    assert statuses(stack, model) == [Status.LIVE]
    assert any("is live: POST" in answer.text for answer in answers if isinstance(answer, Line))
    assert jobs(stack, model)[0].attempts == 1


def test_what_git_never_takes_is_let_go(stack: RunningStack, clone: Clone, request: pytest.FixtureRequest) -> None:
    model = _model_of(request.node.name)
    git = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        waiting = PreparedJob(stack, clone, model, git.pid)
        waiting.kill_deployer()
        assert statuses(stack, model) == [Status.STARTING]
    finally:
        git.kill()
        git.communicate()
    ended = until(waiting.follow(), Ended)[-1]

    assert ended.state == "failed"
    assert "git did not take the commit" in ended.error
    assert statuses(stack, model) == [Status.FAILED]
    assert live(stack, model) == 0
