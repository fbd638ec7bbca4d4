"""Which processes there are, in which order they start and stop, and which ports they take."""

from pathlib import Path

import pytest

from model_runner.sandbox.plan import Confinement, Mechanism
from tidegate.parts.leftovers import MARK
from tidegate.settings import Settings
from tidegate.supervisor.environment import child_environment
from tidegate.supervisor.plan import BROKER, PREPARE, PartSpec, StopRank, plan, runner_spec
from tidegate.supervisor.watch import broker_verdict


def _settings(**given: object) -> Settings:
    return Settings.model_validate({"home": "/tmp/plan", **given})


def _names(specs: list[PartSpec]) -> list[str]:
    return [spec.name for spec in specs]


def test_everything_is_embedded_by_default() -> None:
    specs = plan(_settings(stream_workers=2), "tansu")

    names = ["broker", "clickhouse", "prepare", "stream-0", "stream-1", "sink", "notifier", "deployer", "gateway"]
    assert _names(specs) == names


def test_a_real_kafka_and_a_real_clickhouse_take_the_place_of_the_embedded_ones() -> None:
    real = _settings(kafka_bootstrap="kafka:9092", clickhouse_url="http://clickhouse:8123")

    specs = plan(real, None)

    assert _names(specs) == ["prepare", "stream-0", "sink", "notifier", "deployer", "gateway"]
    assert specs[0].after == ()


def test_nothing_that_reads_topics_starts_before_they_are_made() -> None:
    for spec in plan(_settings(), "tansu"):
        if spec.stop_rank in (StopRank.GATEWAY, StopRank.DEPLOYER, StopRank.STREAM, StopRank.NOTIFIER, StopRank.SINK):
            assert spec.after == (PREPARE,), spec.name


def test_traffic_stops_first_and_the_sink_is_the_last_consumer() -> None:
    specs = [
        *plan(_settings(), "tansu"),
        runner_spec("d1", Path("/m"), Path("/r/d1/s"), Confinement(Mechanism.LANDLOCK)),
    ]

    order = [spec.name for spec in sorted(specs, key=lambda spec: spec.stop_rank) if not spec.is_job]

    assert order == ["gateway", "deployer", "runner-d1", "stream-0", "notifier", "sink", "clickhouse", "broker"]


def test_every_port_is_named_with_the_setting_that_changes_it() -> None:
    uses = [use for spec in plan(_settings(stream_workers=3), "tansu") for use in spec.ports]

    assert len({use.port for use in uses}) == len(uses) == 9
    assert all(use.setting.removeprefix("TIDEGATE_").lower() in Settings.model_fields for use in uses)


def test_processes_get_the_settings_that_were_given_and_the_mark_of_their_home(tmp_path: Path) -> None:
    given = _settings(home=tmp_path, webhook_secret="whsec_x", gateway_port=9)

    found = child_environment(given, {"PATH": "/bin", "TIDEGATE_GATEWAY_PORT": "1"})

    assert found["PATH"] == "/bin"
    assert found["TIDEGATE_GATEWAY_PORT"] == "9"
    assert found["TIDEGATE_WEBHOOK_SECRET"] == "whsec_x"
    assert found["TIDEGATE_HOME"] == found[MARK] == str(tmp_path)
    assert found["OMP_NUM_THREADS"] == "1"
    assert "TIDEGATE_BROKER_PORT" not in found


def test_the_broker_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_WEBHOOK_SECRET", "whsec_x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "also")
    (broker,) = [spec for spec in plan(_settings(clickhouse_password="p"), "tansu") if spec.name == BROKER]
    assert broker.env is not None
    assert broker.env[MARK] == "/tmp/plan"
    for_any = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "RUST_LOG"}
    assert broker.env.keys() <= {MARK, *for_any}


@pytest.mark.parametrize(("used", "stops", "warns"), [(10, False, False), (85, False, True), (101, True, False)])
def test_the_brokers_memory_warns_before_it_stops(used: float, stops: bool, warns: bool) -> None:
    stop, warning = broker_verdict(used, 100)

    assert (stop is not None, warning is not None) == (stops, warns)
    for text in (stop, warning):
        assert text is None or "TIDEGATE_BROKER_MEMORY_MB" in text
