"""The deployer's process by itself, on its socket: jobs are taken in order, refused, followed and cancelled."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.deployer.client import DeployerAwayError, ask, follow
from gateway.deployer.protocol import Cancel, Deliver, Ended, Line, Refused, Submit, Taken
from storage import registry
from tests.support.children import Child
from tests.support.git_client import Clone
from tests.support.jobs import new_job
from tests.support.ports import free_ports
from tests.support.runners import REPOSITORY
from tests.support.scripted import write_scripted
from tests.support.waiting import wait_until
from tidegate.processes.deployer import owner_of
from tidegate.settings import Settings
from tidegate.sockets import deployer_socket


class Deployer:
    """One that runs one job at a time, without a broker and without a stack: nothing gets as far as the start there."""

    def __init__(self, home: Path, **more: object) -> None:
        (self.port,) = free_ports(1)
        given = {"HOME": home, "MONITOR_PORT": self.port - 2, "CONCURRENT_BUILDS": 1, **more}
        environment = {f"TIDEGATE_{name}": str(value) for name, value in given.items()}
        self.settings = Settings(home=home)
        self.socket = deployer_socket(self.settings.run_path)
        home.mkdir()
        registry.upgrade(self.settings.database_dsn)
        command = [sys.executable, "-m", "tidegate.processes.deployer"]
        self.child = Child(command, home, "deployer", env={**environment, "PYTHONPATH": str(REPOSITORY)})

    def submit(self, clone: Clone, model: str, write: Callable[[Path], object] | None = None) -> int:
        folder = self.settings.home_path / "staging" / f"push-{model}-{os.urandom(3).hex()}"
        folder.mkdir(parents=True)
        if write is None:
            (folder / "notes.txt").write_text("no model")
        else:
            write(folder)
        message = Submit(
            workspace="default",
            model=model,
            branch="main",
            preview=False,
            commit="1" * 40,
            before=clone.git("rev-parse", "HEAD"),
            folder=str(folder),
            received_s=0.1,
            repository=str(clone.folder / ".git"),
            pusher=os.getpid(),
            url="http://h",
        )
        return next(answer.job for answer in ask(self.socket, message) if isinstance(answer, Taken))

    def end(self, job: int) -> tuple[str, list[str]]:
        """State and log of a job that is over."""
        lines = []
        for answer in follow(self.socket, job):
            if isinstance(answer, Line):
                lines.append(answer.text)
            elif isinstance(answer, Ended):
                return answer.state, lines
        raise AssertionError("it has no end")

    def ask(self, message: Any) -> Any:
        return next(iter(ask(self.socket, message)))


@pytest.fixture(scope="module")
def deployer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployer]:
    started = Deployer(tmp_path_factory.mktemp("deployer") / "home")
    try:
        started.child.start()
        yield started
    finally:
        started.child.stop()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    made = Clone(tmp_path_factory.mktemp("clone") / "w", "nowhere")
    made.commit()
    return made


def test_what_cannot_be_served_fails_at_once_and_for_good(deployer: Deployer, clone: Clone) -> None:
    number = deployer.submit(clone, "market")
    state, lines = deployer.end(number)

    assert state == "failed"
    with contextlib.closing(registry.Database(deployer.settings.database_dsn)) as database:
        assert registry.get_job(database, number).stage == "check", "as the pusher saw"
    assert lines[:2] == ["✓ receive                 0.10 s  1 files, 0.0 MB", "✗ check"]
    assert any("no model file in the repository" in line for line in lines)
    assert not any("Attempt" in line for line in lines)
    staging = deployer.settings.home_path / "staging"
    wait_until(lambda: not list(staging.glob("push-*")), 5, "its files to be removed")


def test_a_job_that_waits_is_told_for_what_and_can_be_cancelled(deployer: Deployer, clone: Clone) -> None:
    first, second = deployer.submit(clone, "market"), deployer.submit(clone, "market")
    cancelled = deployer.ask(Cancel(second))
    state, lines = deployer.end(second)

    assert isinstance(cancelled, Ended)
    assert state == "cancelled"
    assert lines[0].strip() == f"waits for job {first}, which deploys the same model"
    assert lines[1] == "✗ cancelled"
    assert deployer.end(first)[0] == "failed"


def test_what_is_over_or_never_was_cannot_be_cancelled(deployer: Deployer, clone: Clone) -> None:
    number = deployer.submit(clone, "market")
    state, lines = deployer.end(number)

    over, unknown = deployer.ask(Cancel(number)), deployer.ask(Cancel(4711))

    assert state == "failed"
    assert isinstance(over, Refused)
    assert "failed already" in over.reason
    assert isinstance(unknown, Refused)
    assert "no job 4711" in unknown.reason
    assert deployer.end(number)[1] == lines


def test_a_branch_that_moved_meanwhile_is_not_overwritten(deployer: Deployer, clone: Clone) -> None:
    number = deployer.submit(clone, "market")
    behind = deployer.submit(clone, "market")
    clone.commit("Another push")
    deployer.end(number)
    state, lines = deployer.end(behind)

    assert state == "failed"
    assert any("another push moved main meanwhile" in line for line in lines)


def test_a_delivery_without_a_configured_repository_is_refused(deployer: Deployer) -> None:
    refused = deployer.ask(Deliver(connection=0, delivery="d", commit="1" * 40, branch="main"))

    assert isinstance(refused, Refused)
    assert "tidegate github list" in refused.reason


def test_a_home_has_one_deployer(deployer: Deployer, tmp_path: Path) -> None:
    other = Child(deployer.child.command, tmp_path, "other", env={**deployer.child._env})
    other.start()
    wait_until(lambda: not other.running, 30, "the second one to give up")

    assert "another deployer of this home runs" in other.log_tail()
    assert deployer.child.running


def test_nobody_on_the_socket_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DeployerAwayError, match="tidegate status"):
        next(iter(ask(tmp_path / "nobody.sock", Cancel(1), patience_s=0.1)))


def test_a_job_that_sleeps_gives_its_place_to_the_next(tmp_path: Path, clone: Clone) -> None:
    """Its own limit lets it load for ten minutes, and it holds the only place."""
    started = Deployer(tmp_path / "home", JOB_TIMEOUT_S=3)
    try:
        started.child.start()
        wait_until(started.socket.exists, 60, "the deployer")
        limits = "[limits]\nload_seconds = 600"
        sleeps = started.submit(clone, "scripted", lambda folder: write_scripted(folder, limits, load_s=600))
        state, lines = started.end(sleeps)
        assert state == "failed"
        assert any("it took more than the 3 s that a job may" in line for line in lines)
        assert any("TIDEGATE_JOB_TIMEOUT_S" in line for line in lines)
        assert not any("Attempt" in line for line in lines)
        assert started.end(started.submit(clone, "market"))[0] == "failed"
    finally:
        started.child.stop()


def test_what_asks_for_too_much_is_refused_at_the_check(deployer: Deployer, clone: Clone) -> None:
    limits = '[limits]\nmemory = "9000GB"'
    state, lines = deployer.end(deployer.submit(clone, "scripted", lambda folder: write_scripted(folder, limits)))
    assert state == "failed"
    said = "\n".join(lines)
    assert "✗ check" in said
    assert "tidegate.toml: [limits] memory 9000 GB is more than one model may have here" in said
    assert "TIDEGATE_MAX_MODEL_MEMORY_MB" in said


def test_it_starts_on_a_job_that_cannot_be_read_and_goes_on_with_the_next(tmp_path: Path, clone: Clone) -> None:
    deployer = Deployer(tmp_path / "home")
    database = registry.Database(deployer.settings.database_dsn)
    bad = registry.submit_job(database, new_job(owner=owner_of(deployer.settings))).id
    with database.write() as session:
        session.execute(text("UPDATE jobs SET source = '{\"cut' WHERE id = :id"), {"id": bad})
    try:
        deployer.child.start()
        wait_until(lambda: registry.list_jobs(database), 60, "the bad job to be set aside")
        next_ = deployer.submit(clone, "next")

        state, _ = deployer.end(next_)

        assert state == "failed", "it was done: there is no model in it"
        found = registry.get_job(database, bad)
        assert found.state is registry.JobState.FAILED
        assert "cannot be read" in (found.error or "")
        assert any("cannot be read" in line.text for line in registry.lines_of(database, bad))
    finally:
        deployer.child.stop()
        database.close()
