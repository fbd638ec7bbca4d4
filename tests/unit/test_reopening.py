"""Alerts of topics that are no more: neither repeated nor forgotten, and resolved when they should be."""

import msgspec
import pytest

from stream.alerting.rule_engine import Metric, RuleEngine
from stream.contracts.alerts import Alert
from stream.contracts.metrics import ServiceMetric
from stream.rebuilding.reopening import reopen
from tests.unit.test_rule_engine import T0, drift, service


def run(engine: RuleEngine, *metrics: Metric) -> list[Alert]:
    return [alert for metric in metrics for alert in engine.apply(metric)]


def again(firing: list[Alert], past: list[ServiceMetric] | None = None) -> RuleEngine:
    return RuleEngine(open=reopen(firing, past or []))


def test_what_still_drifts_is_not_told_again_and_resolves_when_every_window_is_calm() -> None:
    (fired,) = run(RuleEngine(), drift("drift", window="1m"))
    engine = again([fired])

    assert run(engine, drift("quiet", window="1m"), drift("quiet", window="5m"), drift("drift", window="1h")) == []
    assert run(engine, drift("drift", window="24h"), drift("quiet", window="1h")) == []
    (resolved,) = run(engine, drift("quiet", window="24h"))
    assert (resolved.state, resolved.alert_id) == ("resolved", fired.alert_id)


def test_an_alert_that_was_calm_for_a_while_waits_for_the_rest_only() -> None:
    bad = {"error_rate": 0.5, "failed": 50, "events": 100}
    (fired,) = run(RuleEngine(), service(at=T0, **bad))
    past = [service(at=T0, **bad), *(service(at=T0 + at, error_rate=0.0, failed=0, events=100) for at in (10, 40))]

    before, after = again([fired], past), again([fired], past)

    assert run(before, service(at=T0 + 69, error_rate=0.0, failed=0, events=100)) == []
    (resolved,) = run(after, service(at=T0 + 70, error_rate=0.0, failed=0, events=100))
    assert resolved.state == "resolved"


def test_an_alert_that_fired_again_before_the_end_has_its_whole_calm_before_it() -> None:
    bad = {"error_rate": 0.5, "failed": 50, "events": 100}
    (fired,) = run(RuleEngine(), service(at=T0, **bad))
    engine = again([fired], [service(at=T0 + 10, error_rate=0.0, failed=0, events=100), service(at=T0 + 20, **bad)])

    assert run(engine, service(at=T0 + 80, error_rate=0.0, failed=0, events=100)) == []


@pytest.mark.parametrize("rule", ["of-somebody-else", ""])
def test_an_alert_of_no_rule_is_left_alone(rule: str) -> None:
    (fired,) = run(RuleEngine(), drift("drift"))
    assert reopen([msgspec.structs.replace(fired, rule=rule)], []) == {}
