"""One notion of how long a step may take: nobody gives up, or clears away, what another still has time for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_runner.limits import Limits
from storage import registry
from storage.registry import Database, DesiredRunner, Role, Status
from tidegate.deadlines import ABANDONED_S, Deadlines
from tidegate.pods.config import PodsConfig
from tidegate.pods.manifests import deployment
from tidegate.rollout.config import rollout_config
from tidegate.settings import Settings
from tidegate.supervisor.confining import confine_runner
from tidegate.supervisor.plan import runner_spec
from tidegate.versions.ending import sweep

SECONDS = st.floats(0.01, 1e6)
ASKED = st.none() | SECONDS
ENVIRONMENT = st.sampled_from([None, {"key": "k", "packages": ["a==1"]}])
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@given(load=SECONDS, most=SECONDS, step=SECONDS, asked=ASKED, environment=ENVIRONMENT)
def test_who_waits_longer_outlasts_what_it_waits_for(
    load: float, most: float, step: float, asked: float | None, environment: dict[str, object] | None
) -> None:
    allowed = Deadlines(load=load, most_load=most, build_step=step)
    manifest = {"load_seconds": asked, "environment": environment}
    loads, starts = allowed.load_s(asked), allowed.start_s(manifest)
    assert loads < starts < allowed.abandoned_after(manifest).total_seconds()
    assert loads <= max(most, load)
    assert loads == asked or asked is None or asked > most
    assert environment is None or starts - loads > step


def test_a_limit_that_was_asked_for_reaches_all_who_wait(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, allow_unsandboxed=True, max_load_seconds=1000)
    runner = DesiredRunner(
        deployment_id="d0",
        workspace="default",
        model="slow",
        version=1,
        status=Status.STARTING,
        role=Role.PRIMARY,
        format="py",
        input_schema=None,
        artifact_url="file:///a",
        sha256="0" * 64,
        manifest={"load_seconds": 900.0},
        replicas=1,
        idle_seconds=None,
        asleep=False,
    )
    confined = confine_runner(settings, runner, "d0", Limits(load_seconds=900.0))
    command = runner_spec("d0", tmp_path, tmp_path / "s", confined)
    pod = deployment(PodsConfig(image="i", deadlines=settings.deadlines), runner)["spec"]["template"]["spec"]

    assert command.start_timeout_s == 900
    assert command.command[command.command.index("--load-s") + 1] == "900"
    probe = pod["containers"][0]["startupProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] > 900
    assert settings.deadlines.start_s(runner.manifest) > 900


@pytest.mark.parametrize("load_seconds", [None, 170.0, 600.0])
def test_a_start_is_swept_when_nobody_can_wait_for_it_any_more(tmp_path: Path, load_seconds: float | None) -> None:
    settings = Settings(home=tmp_path)
    config = rollout_config(settings)
    registry.upgrade(config.database_dsn)
    database = Database(config.database_dsn)
    manifest = {"load_seconds": load_seconds}
    made = registry.create_version(
        database, "slow", artifact_url="file:///a", sha256="0" * 64, format="py", input_schema=None, manifest=manifest
    )
    started = registry.create_deployment(database, made.id, now=NOW)
    waited = timedelta(seconds=config.deadlines.start_s(manifest))

    try:
        assert waited.total_seconds() > (load_seconds or settings.runner_start_timeout_s)
        assert sweep(config, database, NOW + waited) == []
        ended = sweep(config, database, NOW + waited + timedelta(seconds=ABANDONED_S))
    finally:
        database.close()
    assert [(one.id, one.status) for one in ended] == [(started.id, Status.FAILED)]
