"""Room for runners on one machine: asked before one more is wanted, and held to by who starts them."""

import asyncio
import os
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gateway.refusals import Refusal
from model_runner.environment import Store
from model_runner.environment.host import state_of_packages
from model_runner.folder.maxima import Maxima
from model_runner.limits import Limits
from model_runner.sandbox.plan import Confinement, Mechanism
from storage import registry
from storage.artifacts import put
from storage.registry import Database, DeploymentStateError, DesiredRunner, Role, Status, Version
from tests.support.models import write_classifier
from tests.support.scripted import write_scripted
from tidegate.candidates.protocol import (
    Answer,
    Declined,
    Ended,
    Leave,
    Start,
    Started,
    decode_answer,
    encode,
)
from tidegate.home.capacity import Capacity, CapacityError, capacity_of
from tidegate.management.versions import VersionsApi
from tidegate.parts.state import Condition
from tidegate.rollout.config import RolloutConfig, rollout_config
from tidegate.settings import Settings
from tidegate.sockets import candidates_socket, make_socket_folder
from tidegate.supervisor import spare
from tidegate.supervisor.confining import Placed
from tidegate.supervisor.part import Part
from tidegate.supervisor.plan import SPARE_PREFIX, PartSpec
from tidegate.supervisor.room import Room
from tidegate.supervisor.runners import Runners
from tidegate.supervisor.surroundings import Surroundings
from tidegate.versions import operations

GB = 10**9
ROOM = Capacity(Maxima(replicas=8), memory_bytes=5 * GB)


@pytest.fixture
def config(tmp_path: Path, database: Database) -> RolloutConfig:
    given = rollout_config(Settings.model_validate({"home": tmp_path, "kafka_bootstrap": "127.0.0.1:1"}))
    return replace(given, capacity=ROOM)


def _version(database: Database, memory_bytes: int = 2 * GB, replicas: int = 1, idle: float | None = None) -> Version:
    limits = {"memory_bytes": memory_bytes, "cpus": None, "predict_seconds": None}
    manifest = {"limits": limits, "replicas": replicas, "idle_seconds": idle}
    files = {"artifact_url": "away://store/a", "sha256": "0" * 64, "format": "py", "input_schema": None}
    return registry.create_version(database, "market", manifest=manifest, **files)  # type: ignore[arg-type]


def _live(database: Database, version: Version) -> str:
    return registry.switch_route(database, registry.create_deployment(database, version.id).id).id


def test_one_more_than_there_is_room_for_is_refused_with_the_figures(database: Database) -> None:
    one = _version(database)
    ROOM.admit_versions([one], database)
    _live(database, one)
    ROOM.admit_versions([one], database)
    with pytest.raises(CapacityError) as raised:
        ROOM.admit_versions([_version(database, replicas=2)], database)
    for words in ("market version 2 needs 4 GB", "may take 2 GB", "all together 5 GB", "MAX_TOTAL_MEMORY_MB"):
        assert words in str(raised.value)


def test_what_sleeps_or_has_ended_takes_none(database: Database) -> None:
    deployment = _live(database, _version(database, 4 * GB, idle=5.0))
    with pytest.raises(CapacityError):
        ROOM.admit_versions([_version(database)], database)
    assert registry.put_to_sleep(database, deployment, None)
    ROOM.admit_versions([_version(database)], database)


def test_to_scale_is_asked_as_well_and_to_scale_down_never_fails(database: Database, config: RolloutConfig) -> None:
    _live(database, _version(database, replicas=2))
    with pytest.raises(CapacityError, match="3 replicas of market needs 2 GB"):
        operations.scale(config, database, "default", "market", 3, None)
    with pytest.raises(ValueError, match=r"1 to 8 replicas here, not 9: .*TIDEGATE_MAX_REPLICAS"):
        operations.scale(config, database, "default", "market", 9, None)
    operations.scale(replace(config, capacity=replace(ROOM, memory_bytes=1)), database, "default", "market", 1, None)


def test_to_scale_a_model_leaves_its_previews_alone_and_says_what_it_changes(
    database: Database, config: RolloutConfig
) -> None:
    scale = partial(operations.scale, replace(config, capacity=replace(ROOM, memory_bytes=99 * GB)), database)
    live = _live(database, _version(database))
    preview = registry.create_deployment(database, _version(database).id, role=Role.PREVIEW, branch="feature")
    with pytest.raises(DeploymentStateError):
        scale("default", "market", 3, 2)  # it is starting
    registry.switch_route(database, preview.id)

    def replicas() -> dict[str, int | None]:
        return {one.id: one.replicas for one in registry.deployments_of(database, "market")}

    change = scale("default", "market", 3, None)
    change.switch(database)
    assert replicas() == {live: 3, preview.id: 1}
    assert change.summary.startswith("market: version 1 (primary) has 3 replicas; previews keep theirs (version 2:")
    named = scale("default", "market", 2, 2)
    named.switch(database)
    assert replicas() == {live: 3, preview.id: 2}
    assert named.summary == "market: version 2 (preview) has 2 replicas"


def test_every_change_that_needs_a_runner_asks_and_leaves_nothing_behind(
    database: Database, config: RolloutConfig
) -> None:
    first, second, third = (_version(database) for _ in range(3))
    _live(database, first)
    before = registry.deployments_of(database, "market")
    changes: list[Callable[[], object]] = [
        lambda: operations.traffic(config, database, "default", "market", {second.number: 1.0, third.number: 1.0}),
        lambda: operations.redeploy(
            replace(config, capacity=replace(ROOM, memory_bytes=3 * GB)), database, "default", "market", None
        ),
        lambda: operations.shadow(
            replace(config, capacity=replace(ROOM, memory_bytes=3 * GB)), database, "default", "market", second.number
        ),
    ]
    for change in changes:
        with pytest.raises(CapacityError):
            change()
    assert registry.deployments_of(database, "market") == before


def test_the_api_answers_409_with_the_figures(database: Database, config: RolloutConfig) -> None:
    _live(database, _version(database))
    api = VersionsApi(config)
    with pytest.raises(Refusal) as raised:
        api.scale("default", "market", 8, None)
    assert raised.value.status == 409
    assert "needs 14 GB of memory" in raised.value.message
    with pytest.raises(Refusal) as raised:
        api.scale("default", "market", 64, None)
    assert raised.value.status == 422


def test_what_is_not_set_follows_from_the_machine() -> None:
    process = capacity_of(Settings.model_validate({"home": "/tmp/x"}))
    assert 0 < process.each.memory_bytes * 4 == process.memory_bytes < float("inf")
    pods = capacity_of(Settings.model_validate({"home": "/tmp/x", "launcher": "kubernetes"}))
    assert pods.memory_bytes == pods.each.memory_bytes == float("inf")
    given = capacity_of(Settings.model_validate({"home": "/tmp/x", "max_total_memory_mb": 4000}))
    assert given.memory_bytes == 4 * GB


def _wanted(folder: Path, name: str) -> DesiredRunner:
    artifact = put(write_scripted(folder / name, "", name=name), ["predict.py", "tidegate.toml"], folder.as_uri())
    limits = {"limits": {"memory_bytes": 2 * GB}}
    source = {"artifact_url": artifact.url, "sha256": artifact.sha256, "format": "py", "input_schema": None}
    return DesiredRunner(name, "default", name, 1, manifest=limits, role=Role.PRIMARY, status=Status.LIVE, **source)  # type: ignore[arg-type]


async def _with_runners(
    tmp_path: Path, room: Capacity, run: Callable[[Runners], Awaitable[None]], *, has_spare: bool = False
) -> None:
    """The launcher of real processes, which are stopped at the end."""
    around = Surroundings(tmp_path, tmp_path / "logs", {}, 60.0, 10.0, lambda: None)

    def make(spec: PartSpec) -> Part:
        return Part(spec, around)

    def confine(_: Placed, __: str, limits: Limits) -> Confinement:
        return Confinement(Mechanism.NONE, limits)

    make_socket_folder(tmp_path / "run")
    store = Store(tmp_path / "e", tmp_path / "d", 10.0)
    places = tmp_path / "run", tmp_path / "models", store
    runners = Runners(*places, make, confine, room, candidates=tmp_path / "candidates", has_spare=has_spare)
    try:
        await run(runners)
    finally:
        await runners.stop()


async def _ask(tmp_path: Path, name: str, folder: Path) -> tuple[Answer, StreamReader, StreamWriter]:
    """For a process in which this folder is checked."""
    files = tuple(await asyncio.to_thread(os.listdir, folder))
    order = Start(deployment_id=name, workspace="default", model="checked", folder=str(folder), files=files)
    reader, writer = await asyncio.open_unix_connection(candidates_socket(tmp_path / "run"))
    writer.write(encode(order))
    return decode_answer(await reader.readline()), reader, writer


def test_one_that_is_checked_counts_until_it_has_ended(tmp_path: Path) -> None:
    """It may become a runner. Where there is no room for it, the deployer checks by itself."""
    folder = write_scripted(tmp_path / "checked", '[limits]\nmemory = "2 GB"', name="checked")

    async def run(runners: Runners) -> None:
        assert runners.candidates is not None
        await runners.candidates.listen()
        started, reader, writer = await _ask(tmp_path, "d1", folder)
        assert isinstance(started, Started)
        declined, _, other = await _ask(tmp_path, "d2", folder)
        other.close()
        assert isinstance(declined, Declined)
        assert declined.reason.startswith(
            "it needs 2 GB of memory by its limits. The runners that are up may take 2 GB"
        )
        assert [state.name for state in runners.states()] == ["runner-d1"]
        assert not (tmp_path / "candidates" / "d2").exists()

        wanted = _wanted(tmp_path, "wanted")
        assert not await runners.reconcile([wanted])
        (trouble,) = runners.troubles
        assert trouble.startswith("wanted version 1 waits for room")

        writer.write(encode(Leave()))
        assert isinstance(decode_answer(await reader.readline()), Ended)
        writer.close()
        assert await runners.reconcile([wanted])
        assert list(runners.parts) == ["wanted"]

    asyncio.run(_with_runners(tmp_path, Capacity(Maxima(), memory_bytes=3 * GB), run))


async def _spare(runners: Runners, other_than: str = "") -> str:
    """The name of the one that is ready for the next push."""
    async with asyncio.timeout(60):
        while True:
            for state in runners.states():
                is_spare = state.name.startswith(SPARE_PREFIX) and state.name != other_than
                if is_spare and state.condition is Condition.READY:
                    return state.name
            await asyncio.sleep(0.05)


def test_a_spare_process_is_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes room that is left, and none of what a runner wants."""
    monkeypatch.setattr(spare, "LATER_S", 0.1)

    async def run(runners: Runners) -> None:
        assert runners.candidates is not None
        await runners.candidates.listen()
        name = await _spare(runners)
        assert await runners.reconcile([_wanted(tmp_path, "wanted")])
        assert runners.troubles == ()
        assert not (tmp_path / "candidates" / name).exists()
        assert [state.name for state in runners.states()] == ["runner-wanted"]

    asyncio.run(_with_runners(tmp_path, Capacity(Maxima(), memory_bytes=3 * GB), run, has_spare=True))


def test_a_spare_process_from_before_an_upgrade_is_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare, "LATER_S", 0.1)
    folder = write_classifier(tmp_path / "checked", 'name = "checked"\n')

    async def run(runners: Runners) -> None:
        assert runners.candidates is not None
        await runners.candidates.listen()
        before = await _spare(runners)
        packages = state_of_packages()
        monkeypatch.setattr(spare, "state_of_packages", lambda: (*packages, ("site-packages", 1, 1)))
        started, _, writer = await _ask(tmp_path, "d1", folder)
        assert isinstance(started, Started)
        assert Path(started.folder) == tmp_path / "candidates" / "d1", "a process of its own"
        assert not (tmp_path / "candidates" / before).exists()
        writer.close()
        await runners.candidates.drop(["d1"])

        after = await _spare(runners, other_than=before)
        started, _, writer = await _ask(tmp_path, "d2", folder)
        assert isinstance(started, Started)
        assert Path(started.folder) == tmp_path / "candidates" / after
        writer.close()

    asyncio.run(_with_runners(tmp_path, ROOM, run, has_spare=True))


def test_one_that_is_taken_over_counts_once() -> None:
    """Its room goes with it, and comes back when it is wanted no more."""
    room = Room(Capacity(Maxima(), memory_bytes=3 * GB))
    room.take("d1", 2 * GB)
    room.take("d1", 2 * GB)
    assert room.that_fit(["d2"], GB) == (["d2"], None)
    assert room.that_fit(["d2", "d3"], GB)[0] == ["d2"]
    room.give_back("d1")
    room.give_back("d1")
    assert room.that_fit(["d2", "d3", "d4"], GB) == (["d2", "d3", "d4"], None)


def test_who_starts_them_keeps_to_it_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """One that is woken asks nobody: it waits, in words, until another has ended."""

    async def run(runners: Runners) -> None:
        first, second = _wanted(tmp_path, "first"), _wanted(tmp_path, "second")
        assert not await runners.reconcile([first, second])
        assert list(runners.parts) == ["first"]
        (trouble,) = runners.troubles
        assert trouble.startswith("second version 1 waits for room: a runner needs 2 GB of memory by its limits.")
        async with asyncio.timeout(60):
            while not await runners.reconcile([second]):  # noqa: ASYNC110  as it is asked in earnest
                await asyncio.sleep(0.05)
            await runners.parts["second"].ready.wait()
        assert runners.troubles == ()

    asyncio.run(_with_runners(tmp_path, Capacity(Maxima(), memory_bytes=3 * GB), run))
