"""What callers did wrong is no error of the model: from the events to the alerts."""

from collections.abc import Iterable

import msgspec

from stream.alerting.rule_engine import RuleEngine
from stream.config import EvaluationConfig
from stream.contracts.alerts import Alert
from stream.contracts.identity import Identity
from stream.contracts.metrics import ServiceMetric, decode_service
from stream.contracts.panes import decode, encode
from stream.contracts.timestamps import to_text
from stream.intake.events import ReadEvent
from stream.intake.targets import Target
from stream.panes.partition_counter import PartitionCounter
from stream.panes.totals import PackedTotals, Totals
from stream.windows.deployment_windows import DeploymentWindows
from stream.windows.evaluation import Evaluation, EvaluationMemory, evaluate
from tests.support.panes import take_changed

T0 = 1_800_000_000.0
IDENTITY = Identity("default", "m", 1, "d1")


def event(number: int, status: int, latency_ms: float, row: int = 0) -> ReadEvent:
    raw = {"event_id": f"e{number}", "ts": to_text(T0 + number % 9), "deployment_id": "d1", "workspace": "default"}
    raw |= {"model": "m", "version": 1, "status": status, "latency_ms": latency_ms, "row": row}  # type: ignore[dict-item]
    return msgspec.convert(raw, ReadEvent)


def evaluated(events: Iterable[ReadEvent], evaluation_memory: EvaluationMemory | None = None) -> Evaluation:
    counter, read = PartitionCounter("t", 0), list(events)
    counter.add(read, [0] * len(read), 0, {"d1": Target(IDENTITY, None, None, 0, 0)})
    windows = DeploymentWindows(IDENTITY)
    for offset, pane in enumerate(take_changed(counter)):
        windows.apply(decode(encode(pane)), offset, 0)
    return evaluate(windows, None, 0.2, evaluation_memory or EvaluationMemory(), EvaluationConfig(), now=T0)


def in_the_last_minute(events: Iterable[ReadEvent]) -> ServiceMetric:
    return next(metric for metric in evaluated(events).service if metric.window == "1m")


def alerts(metric: ServiceMetric) -> list[Alert]:
    return list(RuleEngine().apply(metric))


def test_a_caller_with_a_typo_fires_no_alert_about_the_model() -> None:
    metric = in_the_last_minute(event(number, 422 if number % 2 else 200, 5.0) for number in range(200))
    assert (metric.error_rate, metric.client_error_rate) == (0.0, 0.5)
    assert [(alert.rule, alert.severity) for alert in alerts(metric)] == [("client-error-rate", "warning")]


def test_refusals_do_not_hide_a_model_that_fails() -> None:
    events = [event(number, 422, 1.0) for number in range(2000)]
    metric = in_the_last_minute([*events, *(event(number, 500, 9.0) for number in range(40))])
    assert (metric.error_rate, metric.failed, metric.refused) == (1.0, 2040, 2000)
    assert "error-rate" in [alert.rule for alert in alerts(metric)]


def test_one_mistake_in_a_long_request_is_one_mistake() -> None:
    wrong = [event(row, 422, 50.0, row) for row in range(5000)]
    metric = in_the_last_minute([*wrong, *(event(number, 200, 5.0) for number in range(99))])
    assert (metric.events, metric.requests, metric.refused, metric.refused_requests) == (5099, 100, 5000, 1)
    assert metric.client_error_rate == 0.01
    assert alerts(metric) == []


def test_how_fast_is_refused_says_nothing_of_the_model() -> None:
    evaluation_memory = EvaluationMemory()
    evaluated((event(number, 400, 0.2) for number in range(600)), evaluation_memory)
    assert evaluation_memory.baseline_p95_ms is None, "no request was answered yet"
    slow = [event(number, 200, 80.0) for number in range(20)]
    metric = in_the_last_minute([*slow, *(event(number, 422, 0.2) for number in range(980))])
    assert metric.latency_p50_ms > 79
    assert metric.latency_mean_ms == 80.0


def test_only_refusals_are_no_division_by_zero() -> None:
    metric = in_the_last_minute(event(number, 404, 1.0) for number in range(3))
    assert (metric.error_rate, metric.client_error_rate) == (0.0, 1.0)
    assert (metric.latency_mean_ms, metric.latency_p95_ms) == (0.0, 0.0)


def test_what_was_written_before_the_two_were_apart_is_read() -> None:
    counter = PartitionCounter("t", 0)
    counter.add([event(1, 500, 5.0)], [0], 0, {"d1": Target(IDENTITY, None, None, 0, 0)})
    (pane,) = take_changed(counter)
    without = {name: value for name, value in msgspec.to_builtins(pane).items() if name != "refused"}
    assert decode(msgspec.json.encode(without | {"v": 1})).refused == 0
    metric = msgspec.to_builtins(evaluated([event(1, 500, 5.0)]).service[0])
    old = {name: value for name, value in metric.items() if "refused" not in name and name != "client_error_rate"}
    assert decode_service(msgspec.json.encode(old | {"v": 1}))[0].error_rate == 1.0
    packed = msgspec.msgpack.encode(Totals.empty(None, 0).pack())
    shorter = msgspec.msgpack.encode(msgspec.msgpack.decode(packed)[:-1])
    assert Totals.unpack(msgspec.msgpack.decode(shorter, type=PackedTotals)).refused == 0
