"""The demo's verdict: each way in which it can fail is found and named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tidegate.demo.alerts import early_alerts, first_alert
from tidegate.demo.findings import Delivery, EventCounts, Findings, Firing, SeriesDrift, telling
from tidegate.demo.verdict import fired_features, problems

CHANGE = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
EXPECTED = ("vicprice", "transfer")


def firing(series: str, after_s: float, window: str = "1m", role: str = "feature") -> Firing:
    moment = CHANGE + timedelta(seconds=after_s)
    return Firing(series, role, window, evaluated=moment + timedelta(seconds=1), newest_event=moment)


def delivery(after_s: float, rule: str = "significant-drift", state: str = "firing") -> Delivery:
    newest = (CHANGE + timedelta(seconds=after_s)).isoformat().replace("+00:00", "Z")
    alert = {"rule": rule, "state": state, "newest_ts": newest, "summary": f"{rule} {after_s:g}"}
    return Delivery(CHANGE.timestamp() + after_s + 2, {}, {"type": f"alert.{state}", "data": alert})


def good() -> Findings:
    return Findings(
        expected=EXPECTED,
        sent_rows=300,
        changed_at=CHANGE,
        judged_quiet={"vicprice", "transfer", "period"},
        firings=(firing("vicprice", 3), firing("transfer", 4), firing("prediction.score", 5, role="prediction")),
        counts=EventCounts(events=300, distinct=300),
        recount=None,
        first_alert=delivery(3),
    )


def only_problem(found: Findings) -> str:
    (problem,) = problems(found)
    return problem


def test_a_good_run_has_no_problems() -> None:
    assert problems(good()) == []


def test_an_alarm_on_held_out_rows_is_a_false_one() -> None:
    early = replace(good(), firings=(*good().firings, firing("nswprice", -5, "5m")))
    assert "nswprice fired on the held-out rows, in the window 5m" in only_problem(early)


def test_an_alert_for_held_out_rows_is_a_false_one() -> None:
    assert "drifted" in only_problem(replace(good(), early_alerts=("nswprice drifted",)))


def test_rows_that_nobody_judged_are_no_proof_of_quiet() -> None:
    assert "transfer" in only_problem(replace(good(), judged_quiet={"vicprice"}))


def test_a_feature_that_stays_silent_is_named() -> None:
    assert only_problem(replace(good(), firings=(firing("vicprice", 3),))).startswith("transfer did not fire")


def test_a_missing_alert_is_named() -> None:
    assert "reached the receiver" in only_problem(replace(good(), first_alert=None))


def test_lost_and_doubled_events_are_named() -> None:
    assert "ClickHouse has 299" in only_problem(replace(good(), counts=EventCounts(299, 299)))
    doubled = problems(replace(good(), counts=EventCounts(301, 300)))
    assert any("1 events more than once" in problem for problem in doubled)


def test_events_of_failed_requests_are_not_expected_among_the_served() -> None:
    failed = replace(good(), counts=EventCounts(310, 310, failed=10), refused={"503": 10})
    assert only_problem(failed).startswith("10 requests were not answered with 200 but with 503")


def test_histograms_that_differ_are_named() -> None:
    assert "period has 3 rows" in only_problem(replace(good(), recount="period has 3 rows in bin 1, a recount gives 4"))


def test_each_feature_counts_by_its_first_firing_in_the_shortest_window() -> None:
    found = replace(good(), firings=(firing("vicprice", 5), firing("vicprice", 3, "5m"), firing("vicprice", 3)))
    assert fired_features(found) == {"vicprice": firing("vicprice", 3)}


def test_the_first_drift_alert_after_the_change_is_the_one() -> None:
    deliveries = [delivery(-4), delivery(1, rule="latency"), delivery(2, state="resolved"), delivery(3), delivery(5)]
    assert first_alert(deliveries, CHANGE.timestamp()) == delivery(3)
    assert early_alerts(deliveries, CHANGE.timestamp()) == [delivery(-4)]


def test_before_the_change_every_drift_alert_is_early() -> None:
    assert first_alert([delivery(3)], None) is None
    assert early_alerts([delivery(3)], None) == [delivery(3)]


def test_what_is_no_alert_is_ignored() -> None:
    assert first_alert([Delivery(0.0, {}, "not JSON"), Delivery(0.0, {}, {"data": 3})], 0.0) is None


def test_the_gravest_window_tells_most_and_of_these_the_shortest() -> None:
    def drift(window: str, state: str) -> SeriesDrift:
        return SeriesDrift("x", "feature", window, 200, 0.1, 0.1, state, CHANGE, CHANGE)

    seen = (drift("24h", "quiet"), drift("5m", "drift"), drift("1m", "drift"), drift("1h", "moderate"))
    assert telling(seen, "x") == drift("1m", "drift")
    assert telling(seen, "y") is None
