"""What `tidegate gc` and the deployer's cleaning remove, and what they must not: on a real registry and real files."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model_runner.disk.durable import write_file
from storage import artifacts, registry
from storage.artifact_removal import INDEX, TRASH
from storage.registry import Database, DeploymentStateError
from tests.support.ports import free_ports
from tidegate.home.caches import copies_path
from tidegate.home.garbage import Garbage, garbage_of
from tidegate.home.retention import Retention, kept, running
from tidegate.parts.state import Phase, StackState, supervisor_lock, write_state
from tidegate.rollout.config import rollout_config
from tidegate.settings import Settings
from tidegate.versions import operations

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=100)


class Home:
    """A registry with the versions of one model, each live after the other, and their files."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(home=root, keep_versions=2, keep_unused_days=30)
        registry.upgrade(self.settings.database_dsn)
        self.database = Database(self.settings.database_dsn)
        self.copies = copies_path(self.settings)
        self.shas: list[str] = []
        self.deployments: list[str] = []

    @property
    def garbage(self) -> Garbage:
        return garbage_of(self.settings, self.database)

    def version(self, content: bytes, when: datetime = LONG_AGO) -> str:
        """Stored, live, its copy fetched; all of it that long ago."""
        folder = self.settings.home_path / "model"
        folder.mkdir(exist_ok=True)
        (folder / "model.pkl").write_bytes(content)
        stored = artifacts.put(folder, ["model.pkl"], self.settings.artifacts)
        made = registry.create_version(
            self.database,
            "market",
            artifact_url=stored.url,
            sha256=stored.sha256,
            format="pkl",
            input_schema=None,
            manifest={},
            now=when,
        )
        found = registry.create_deployment(self.database, made.id, now=when)
        registry.switch_route(self.database, found.id, keep_warm=1, now=when)
        artifacts.fetch(stored.url, stored.sha256, self.copies)
        self.age(stored.sha256, when)
        self.shas.append(stored.sha256)
        self.deployments.append(found.id)
        return stored.sha256

    def age(self, sha256: str, when: datetime) -> None:
        for path in (Path(self.settings.home_path / "artifacts" / sha256 / INDEX), self.copies / ".seals" / sha256):
            os.utime(path, (when.timestamp(), when.timestamp()))

    def stored(self) -> set[int]:
        return {number for number, sha in enumerate(self.shas, 1) if (self.artifact(sha) / INDEX).is_file()}

    def copied(self) -> set[int]:
        return {number for number, sha in enumerate(self.shas, 1) if (self.copies / sha).is_dir()}

    def artifact(self, sha: str) -> Path:
        return self.settings.home_path / "artifacts" / sha

    def collect(self, now: datetime = NOW) -> list[tuple[str, str]]:
        garbage = self.garbage
        return [(item.kind, item.path.name) for item in garbage.found(now) if garbage.remove(item, now)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    made.database.close()


def test_old_versions_go_and_what_runs_or_is_gone_back_to_stays(home: Home) -> None:
    for number in range(6):
        home.version(b"model %d" % number, LONG_AGO + timedelta(hours=number))
    found = list(home.garbage.found(NOW))

    assert all(item.bytes > 0 and item.reason for item in found)
    assert home.stored() == set(range(1, 7)), "to look removes nothing"
    assert sorted(home.collect()) == sorted((item.kind, item.path.name) for item in found)
    assert home.stored() == {5, 6}, "the live one, and the warm one, which a rollback goes to"
    assert home.copied() == {5, 6}
    assert home.collect() == []


def test_what_was_used_lately_stays(home: Home) -> None:
    for number in range(4):
        home.version(b"model %d" % number, LONG_AGO + timedelta(hours=number))
    config = rollout_config(home.settings)
    operations.rollback(config, home.database, "default", "market", 1)  # asks for a runner, and waits for none
    assert home.stored() >= {1}
    home.collect()
    assert 1 in home.stored(), "a deployment of it starts"
    assert 1 in home.copied()
    assert 2 not in home.stored()


def test_a_rollback_to_what_was_removed_is_refused_with_the_way_out(home: Home) -> None:
    for number in range(5):
        home.version(b"model %d" % number, LONG_AGO + timedelta(hours=number))
    home.collect()
    config = rollout_config(home.settings)
    before = len(registry.deployments_of(home.database, "market"))
    attempts: tuple[Callable[[], object], ...] = (
        lambda: operations.rollback(config, home.database, "default", "market", 1),
        lambda: operations.traffic(config, home.database, "default", "market", {5: 0.5, 1: 0.5}),
        lambda: operations.redeploy(config, home.database, "default", "market", 1),
        lambda: operations.shadow(config, home.database, "default", "market", 1),
    )
    for attempt in attempts:
        with pytest.raises(DeploymentStateError, match=r"version 1 of 'market' were removed.*push its commit again"):
            attempt()
    assert len(registry.deployments_of(home.database, "market")) == before, "nothing was begun"
    assert operations.rollback(config, home.database, "default", "market", None).summary


def test_the_same_files_deployed_again_are_whole_again(home: Home) -> None:
    for number in range(4):
        home.version(b"model %d" % number, LONG_AGO + timedelta(hours=number))
    home.collect()
    assert 1 not in home.stored()
    home.version(b"model 0", NOW)
    assert {1, 5} <= home.stored()
    home.collect(NOW + timedelta(hours=1))
    assert {1, 5} <= home.stored()
    assert {1, 5} <= home.copied()


def test_what_is_being_stored_stays_though_no_version_has_it_yet(home: Home) -> None:
    home.version(b"live")
    folder = home.settings.home_path / "model"
    (folder / "model.pkl").write_bytes(b"on its way")
    stored = artifacts.put(folder, ["model.pkl"], home.settings.artifacts)
    real_now = datetime.now(UTC)

    assert [item for item in home.garbage.found(real_now) if item.kind == "artifact"] == []
    os.utime(home.artifact(stored.sha256) / INDEX, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    (found,) = [item for item in home.garbage.found(real_now) if item.kind == "artifact"]
    artifacts.put(folder, ["model.pkl"], home.settings.artifacts)
    assert not home.garbage.remove(found, real_now), "it was stored again in between"
    assert (home.artifact(stored.sha256) / INDEX).is_file()


def test_a_kill_in_the_middle_leaves_what_the_next_pass_removes(home: Home) -> None:
    home.version(b"live", NOW)
    half, trash = home.artifact("a" * 64), home.copies / f"{TRASH}0a1b"
    for folder in (half, trash, home.copies / ".fetch-xyz"):
        folder.mkdir()
        (folder / "model.pkl").write_bytes(b"x" * 100)
        os.utime(folder, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))

    assert {kind for kind, _ in home.collect()} == {"artifact", "leftover"}
    assert not half.exists()
    assert not trash.exists()


def test_logs_of_deployments_that_ended_go_in_their_time(home: Home) -> None:
    for number in range(3):
        home.version(b"model %d" % number, LONG_AGO + timedelta(hours=number))
    logs = home.settings.logs_path
    logs.mkdir()
    gone, warm, live = home.deployments
    names = [f"runner-{gone}.log", f"runner-{gone}.1.log.2", f"runner-{warm}.log", f"runner-{live}.log", "gateway.log"]
    for name in [*names, f"runner-{gone}.log.1"]:
        (logs / name).write_text("said")
        if not name.endswith("log.1"):
            os.utime(logs / name, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    home.collect(datetime.now(UTC))
    assert {path.name for path in logs.iterdir()} == {*names[2:], f"runner-{gone}.log.1"}


def test_deployments_beside_a_collector_never_miss_their_files(home: Home) -> None:
    """The same few contents come and go: each that was stored a moment ago can be fetched."""
    home.settings = home.settings.model_copy(update={"keep_versions": 1})
    home.version(b"live")
    over, failures = threading.Event(), list[str]()

    def collect() -> None:
        garbage = replace(home.garbage, rule=Retention(versions=1, unused=timedelta(0), copies=timedelta(0)))
        while not over.is_set():
            now = datetime.now(UTC)
            for item in garbage.found(now):
                garbage.remove(item, now)

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        for number in range(40):
            folder = home.settings.home_path / f"m{number % 2}"
            folder.mkdir(exist_ok=True)
            write_file(folder / "model.pkl", b"content %d" % (number % 3))
            stored = artifacts.put(folder, ["model.pkl"], home.settings.artifacts)
            # Old as far as the collector can see, until it is stored again.
            os.utime(home.artifact(stored.sha256) / INDEX, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
            again = artifacts.put(folder, ["model.pkl"], home.settings.artifacts)
            copy = artifacts.fetch(again.url, again.sha256, home.copies)
            if not (home.artifact(again.sha256) / INDEX).is_file():
                failures.append(f"{number}: {copy}")
    finally:
        over.set()
        collector.join(60)
    assert failures == []


def test_retention_keeps_for_a_reason() -> None:
    use = registry.VersionUse(
        workspace="default",
        model="m",
        number=3,
        sha256="s",
        has_runner=False,
        is_next=False,
        rank=5,
        last_used=LONG_AGO,
    )
    rule = Retention(versions=5, unused=timedelta(days=30))
    assert kept([use], rule, NOW) == {}
    assert kept([replace(use, has_runner=True)], rule, NOW) == {"s": "m version 3 runs"}
    assert kept([replace(use, is_next=True)], rule, NOW) == {"s": "m version 3 is what a rollback goes to"}
    assert kept([replace(use, rank=4)], rule, NOW) == {"s": "m version 3 is one of the 5 newest"}
    assert "last 30 days" in kept([replace(use, last_used=NOW)], rule, NOW)["s"]
    assert kept([use, replace(use, number=9, rank=0)], rule, NOW) == {"s": "m version 9 is one of the 5 newest"}
    assert running([use, replace(use, sha256="r", has_runner=True)]) == {"r"}


def _tidegate(home: Home, *args: str) -> str:
    """What the command writes."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TIDEGATE_")}
    done = subprocess.run(
        [sys.executable, "-m", "tidegate", *args],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={
            **clean,
            "TIDEGATE_HOME": str(home.settings.home_path),
            "TIDEGATE_KEEP_VERSIONS": "2",
            "TIDEGATE_KEEP_UNUSED_DAYS": "30",
            "TIDEGATE_BROKER_PORT": str(free_ports(1)[0]),
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_shows_what_would_go_and_then_removes_it(home: Home) -> None:
    # Long enough ago for whatever day it is.
    for number in range(3):
        home.version(b"model %d" % number * 100_000, LONG_AGO - timedelta(days=3000) + timedelta(hours=number))
    shown = json.loads(_tidegate(home, "gc", "--dry-run", "--json"))
    after_the_look = home.stored()
    text = _tidegate(home, "gc")
    again = json.loads(_tidegate(home, "gc", "--json"))

    assert {(item["kind"], Path(item["path"]).name) for item in shown["items"]} == {
        ("artifact", home.shas[0]),
        ("copy", home.shas[0]),
    }
    assert [item["removed"] for item in shown["items"]] == [False, False]
    assert shown["bytes"] > 1_000_000
    assert after_the_look == {1, 2, 3}
    assert home.shas[0] in text
    assert "MB are gone" in text
    assert home.stored() == {2, 3}
    assert (again["items"], again["bytes"]) == ([], 0)


def test_status_says_what_takes_the_disk(home: Home) -> None:
    home.version(bytes(3_000_000))
    run = home.settings.run_path
    with supervisor_lock(run):
        write_state(run, StackState(pid=os.getpid(), phase=Phase.RUNNING, since=time.time()))
        found = json.loads(_tidegate(home, "status", "--json"))["disk"]
        text = _tidegate(home, "status")

    assert found["used_mb"]["artifacts"] == pytest.approx(3.0, abs=0.1)
    assert found["used_mb"]["copies"] == pytest.approx(3.0, abs=0.1)
    assert found["free_mb"] > 0
    assert "disk, MB: " in text
    assert "artifacts 3" in text
    assert "free" in text
