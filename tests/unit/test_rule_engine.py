"""Rules over metrics: what fires, what resolves, and what a person reads."""

import msgspec
import pytest

from stream.alerting.rule_engine import RuleEngine, make_alert
from stream.alerting.rules import Rule
from stream.contracts.alerts import Alert, decode_alert, encode
from stream.contracts.metrics import DriftMetric, MovedBucket, ServiceMetric
from stream.contracts.timestamps import to_text
from stream.intake.endings import UNKNOWN, Ending

T0 = 1_800_000_000.0


def drift(state: str, at: float = T0, window: str = "1m", **changes: object) -> DriftMetric:
    metric = DriftMetric(
        ts=to_text(at + 3),
        workspace="default",
        model="electricity",
        version=2,
        deployment_id="d1",
        profile_id="p",
        reference="reference",
        series="vicprice",
        role="feature",
        window=window,
        window_start=to_text(at - 60),
        window_end=to_text(at),
        newest_ts=to_text(at - 1),
        n=412,
        n_eff=412.0,
        psi=0.9,
        psi_noise=0.05,
        kl=0.5,
        kl_reverse=0.4,
        js=0.3,
        hellinger=0.3,
        chi2=300.0,
        chi2_p=0.0,
        g=300.0,
        g_p=1e-40,
        df=9,
        ks=0.5,
        ks_p=0.0,
        w1=0.1,
        w1_sigma=1.0,
        mean=0.0061,
        reference_mean=0.0035,
        missing_rate=0.0,
        missing_delta=0.0,
        unseen_rate=0.0,
        out_of_range_rate=0.4,
        state=state,
        channels=["psi", "out_of_range"] if state == "drift" else [],
        since=to_text(T0),
        alpha=1e-7,
        moved=[MovedBucket(label="above 0.0035", reference=0.0, window=0.41, psi=0.8)],
    )
    return msgspec.structs.replace(metric, **changes)


def service(at: float = T0, **changes: object) -> ServiceMetric:
    metric = ServiceMetric(
        ts=to_text(at + 3),
        workspace="default",
        model="electricity",
        version=2,
        deployment_id="d1",
        window="1m",
        window_start=to_text(at - 60),
        window_end=to_text(at),
        newest_ts=to_text(at - 1),
        events=1000,
        requests=1000,
        failed=0,
        rate=16.7,
        error_rate=0.0,
        latency_mean_ms=3.0,
        latency_p50_ms=3.0,
        latency_p95_ms=5.0,
        latency_p99_ms=8.0,
        baseline_p95_ms=5.0,
    )
    return msgspec.structs.replace(metric, **changes)


def changes(engine: RuleEngine, *metrics: DriftMetric | ServiceMetric) -> list[Alert]:
    return [alert for metric in metrics for alert in engine.apply(metric)]


def test_drift_fires_once_however_many_windows_see_it_and_resolves_when_none_does() -> None:
    engine = RuleEngine()
    assert [a.state for a in changes(engine, drift("drift"), drift("drift", window="5m"), drift("drift"))] == ["firing"]
    assert changes(engine, drift("quiet", T0 + 60)) == []
    ended = changes(engine, drift("quiet", T0 + 300, window="5m"))
    assert [(a.state, a.since) for a in ended] == [("resolved", to_text(T0))]


def test_the_states_below_drift_are_silent() -> None:
    engine = RuleEngine()
    assert changes(engine, drift("quiet"), drift("moderate"), drift("insufficient_data")) == []


def test_an_alert_says_what_moved_how_surely_and_what_to_do() -> None:
    (alert,) = changes(RuleEngine(), drift("drift"))
    assert alert.series == "vicprice"
    assert "0.0035 → 0.0061" in alert.summary
    assert "412 rows" in alert.summary
    assert "“above 0.0035” 0% → 41%" in alert.summary
    assert alert.moved[0].window == 0.41
    assert alert.p_value == 1e-40
    assert any("tidegate drift electricity" in step for step in alert.next_steps)
    assert any("unit of 'vicprice'" in step for step in alert.next_steps)
    assert decode_alert(encode(alert)) == alert


def test_the_same_metrics_again_make_the_same_ids() -> None:
    first = changes(RuleEngine(), drift("drift"), drift("quiet", T0 + 60))
    second = changes(RuleEngine(), drift("drift"), drift("quiet", T0 + 60))
    assert [a.change_id for a in first] == [a.change_id for a in second]
    assert first[0].alert_id == first[1].alert_id
    assert first[0].change_id != first[1].change_id


def test_state_survives_being_written_down() -> None:
    engine = RuleEngine()
    changes(engine, drift("drift"))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(engine), type=RuleEngine)
    assert changes(again, drift("drift")) == []
    assert [a.state for a in changes(again, drift("quiet", T0 + 60))] == ["resolved"]


def test_errors_fire_when_they_are_certain() -> None:
    engine = RuleEngine()
    assert changes(engine, service(events=30, failed=2, error_rate=2 / 30)) == [], "2 of 30 may be chance"
    fired = changes(engine, service(failed=120, error_rate=0.12))
    assert [(a.rule, a.severity) for a in fired] == [("error-rate", "critical")]
    assert "12.0% of predictions failed with 5xx in the last 1m" in fired[0].summary
    assert "(120 of 1000 instances that were not refused)" in fired[0].summary


def test_mistakes_of_callers_have_a_rule_of_their_own() -> None:
    engine = RuleEngine()
    refused = {"failed": 600, "refused": 600, "refused_requests": 600, "client_error_rate": 0.6}
    fired = changes(engine, service(**refused))
    assert [(a.rule, a.severity, a.n) for a in fired] == [("client-error-rate", "warning", 1000)]
    assert "60.0% of requests were refused with 4xx in the last 1m (600 of 1000)" in fired[0].summary
    assert any("GET /v1/models" in step for step in fired[0].next_steps)
    both = changes(engine, service(T0 + 10, **{**refused, "failed": 660, "error_rate": 0.15}))
    assert [(a.rule, a.severity, a.n) for a in both] == [("error-rate", "critical", 400)]
    assert "failed with 5xx in the last 1m (60 of 400 instances that were not refused)" in both[0].summary


def test_one_refused_request_of_many_rows_is_one_mistake() -> None:
    one = service(
        events=10_050, requests=51, failed=10_000, refused=10_000, refused_requests=1, client_error_rate=1 / 51
    )
    assert changes(RuleEngine(), one) == []


def test_latency_is_judged_by_requests_that_the_model_got() -> None:
    slow = {"latency_p95_ms": 500.0, "requests": 300, "client_error_rate": 0.0}
    assert changes(RuleEngine(), service(**slow, refused_requests=250)) == []
    assert [a.rule for a in changes(RuleEngine(), service(**slow, refused_requests=150))] == ["latency"]


def test_errors_resolve_after_a_quiet_minute_and_do_not_flap() -> None:
    engine = RuleEngine()
    changes(engine, service(failed=120, error_rate=0.12))
    assert changes(engine, service(T0 + 20, failed=40, error_rate=0.04), service(T0 + 30)) == []
    assert changes(engine, service(T0 + 60)) == []
    assert [a.state for a in changes(engine, service(T0 + 90))] == ["resolved"]


def test_latency_is_held_against_twice_its_baseline() -> None:
    engine = RuleEngine()
    assert changes(engine, service(latency_p95_ms=500.0, baseline_p95_ms=None)) == [], "no baseline yet"
    assert changes(engine, service(latency_p95_ms=25.0)) == [], "20 ms on top are no news"
    assert changes(engine, service(latency_p95_ms=500.0, requests=50)) == [], "too few requests"
    fired = changes(engine, service(latency_p95_ms=500.0))
    assert [a.rule for a in fired] == ["latency"]
    assert "500 ms" in fired[0].summary


@pytest.mark.parametrize(("role", "alerts"), [("primary", 1), ("canary", 1), ("shadow", 0), ("preview", 0)])
def test_alerts_are_about_what_callers_get(role: str, alerts: int) -> None:
    changes = list(RuleEngine().apply(drift("drift", deployment_role=role)))
    changes += RuleEngine().apply(service(events=400, failed=200, error_rate=0.5, deployment_role=role))

    assert len([change for change in changes if change.rule == "significant-drift"]) == alerts
    assert len([change for change in changes if change.rule == "error-rate"]) == alerts


def test_an_alert_of_what_became_a_shadow_still_resolves() -> None:
    engine = RuleEngine()
    (fired,) = engine.apply(drift("drift"))

    assert list(engine.apply(drift("drift", at=T0 + 2, deployment_role="shadow"))) == []
    (resolved,) = engine.apply(drift("quiet", at=T0 + 120, deployment_role="shadow"))
    assert (resolved.state, resolved.alert_id) == ("resolved", fired.alert_id)


def test_the_end_of_a_deployment_resolves_its_alerts_and_says_why() -> None:
    engine = RuleEngine()
    fired = changes(engine, drift("drift"), drift("drift", series="price"), drift("drift", deployment_id="d2"))
    ending = Ending(to_text(T0 + 60), "version 3 took its place")

    ended = engine.end({"d1": ending}, to_text(T0 + 900))

    assert [alert.alert_id for alert in ended] == [alert.alert_id for alert in fired[:2]]
    assert {alert.state for alert in ended} == {"resolved"}
    assert {alert.resolution for alert in ended} == {"version 3 took its place"}
    assert {alert.ts for alert in ended} == {ending.ts}
    assert ended[0].summary.startswith("Resolved: electricity v2 ended, version 3 took its place. It was firing: ")
    assert [item.alert.deployment_id for item in engine.open.values()] == ["d2"]
    assert engine.end({"d1": ending}, to_text(T0 + 900)) == [], "it is resolved once"
    assert decode_alert(encode(ended[0])) == ended[0]


def test_an_ending_that_is_told_again_makes_the_same_records_whenever_that_is() -> None:
    ending = Ending(to_text(T0 + 60), "version 3 took its place")
    first, second = RuleEngine(), RuleEngine()
    for engine in (first, second):
        changes(engine, drift("drift"))
    assert first.end({"d1": ending}, to_text(T0 + 100)) == second.end({"d1": ending}, to_text(T0 + 999))


@pytest.mark.parametrize("ending", [Ending(to_text(T0 - 60), "an older clock"), UNKNOWN])
@pytest.mark.parametrize("fired_at", [to_text(T0), "garbage of somebody else"])
def test_the_resolution_is_the_newest_change_whatever_clocks_say(ending: Ending, fired_at: str) -> None:
    engine = RuleEngine()
    (fired,) = changes(engine, drift("drift", ts=fired_at))
    (ended,) = engine.end({"d1": ending}, to_text(T0 + 900))
    assert ended.ts > fired.ts or fired_at.startswith("garbage")


def test_a_rule_without_a_sentence_of_its_own_says_what_it_measured() -> None:
    rule = Rule("slow-mean", "service", "warning", ("1m",), fire=(), resolve=(), value="latency_mean_ms", threshold=40)
    alert = make_alert(rule, service(latency_mean_ms=61.5))
    assert alert.summary == "electricity v2: latency_mean_ms 61.5 in the last 1m, threshold 40"
    assert any("column latency_mean_ms" in step for step in alert.next_steps)
