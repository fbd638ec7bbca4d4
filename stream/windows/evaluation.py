"""One evaluation of a deployment: every window's sums to drift and service metrics. Pure."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.config import EvaluationConfig
from stream.contracts.metrics import DriftMetric, ServiceMetric
from stream.contracts.timestamps import to_seconds, to_text
from stream.panes.totals import Totals, latency_quantile
from stream.profiles.profile import Profile
from stream.statistics.alpha import alpha_star
from stream.statistics.measure import SeriesStatistics, measure
from stream.statistics.serial import SerialFactor
from stream.windows.decision import SeriesState, Thresholds, decide
from stream.windows.deployment_windows import DeploymentWindows
from stream.windows.drift_metric import drift_metric
from stream.windows.hour_mixture import HourMixture, events_by_hour, mix_hours
from stream.windows.window import WINDOWS, Window

Measured = dict[str, tuple[NDArray[np.int64], NDArray[np.float64], SeriesStatistics]]
"""By series: the counts and sums of the last window that was compared with the whole reference, and what came of it."""
BASELINE_REQUESTS = 500
BASELINE_WINDOW = "1h"
STEP_SERIES = 25
LEARNING_WINDOW = WINDOWS[0]
"""Serial correlation is learned from windows of this length that do not overlap."""


class EvaluationMemory(msgspec.Struct, kw_only=True):
    """What an evaluation remembers of the ones before it."""

    states: dict[str, SeriesState] = {}
    """By window and series."""
    serial: dict[str, SerialFactor] = {}
    """By series."""
    learned_until: float = 0.0
    """End of the last window that serial correlation was learned from (seconds since the epoch)."""
    baseline_p95_ms: float | None = None


@dataclass(slots=True)
class Evaluation:
    """Metrics of one deployment at one time."""

    drift: list[DriftMetric] = field(default_factory=list)
    service: list[ServiceMetric] = field(default_factory=list)


def evaluate(
    windows: DeploymentWindows,
    profile: Profile | None,
    psi_threshold: float,
    evaluation_memory: EvaluationMemory,
    config: EvaluationConfig,
    now: float,
) -> Evaluation:
    """Evaluate all windows. `now`: wall clock, only written down; decisions rest on event time.

    `evaluation_memory` is updated. A deployment whose reference is still being learned has service metrics only.
    """
    steps = evaluation_steps(windows, profile, psi_threshold, evaluation_memory, config, now)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return cast(Evaluation, done.value)


def evaluation_steps(
    windows: DeploymentWindows,
    profile: Profile | None,
    psi_threshold: float,
    evaluation_memory: EvaluationMemory,
    config: EvaluationConfig,
    now: float,
) -> Generator[None, None, Evaluation]:
    """The same in steps of some ten milliseconds: a wide profile takes seconds, and others have to have their turn.

    `windows` and `evaluation_memory` must stay as they are in between.
    """
    result = Evaluation()
    totals = [(window, windows.total(window)) for window in WINDOWS]
    for window, total in totals:
        if window.name == BASELINE_WINDOW:
            _learn_baseline(total, evaluation_memory)
    result.service = [_service(windows, window, total, evaluation_memory, now) for window, total in totals]
    if profile is None:
        return result
    alpha = alpha_star(
        len(profile.features), [w.seconds for w in WINDOWS], config.step_s, config.false_alarms_per_30_days
    )
    limits = Thresholds(psi_fire=psi_threshold, psi_resolve=psi_threshold / 2)
    measured: Measured = {}
    for window, total in totals:
        if total.profile_id == profile.id:
            for metric in _drift(windows, window, total, profile, evaluation_memory, alpha, limits, now, measured):
                result.drift.append(metric)
                if len(result.drift) % STEP_SERIES == 0:
                    yield
    _learn_serial(windows, result.drift, evaluation_memory)
    return result


def _drift(
    windows: DeploymentWindows,
    window: Window,
    total: Totals,
    profile: Profile,
    evaluation_memory: EvaluationMemory,
    alpha: float,
    limits: Thresholds,
    now: float,
    measured: Measured,
) -> Iterator[DriftMetric]:
    mixture = _mixture(windows, window, profile)
    for series, place in profile.slices():
        key = f"{window.name}/{series.key}"
        counts = total.counts[place]
        serial = evaluation_memory.serial.get(series.key, SerialFactor())
        stats = None
        if series.n and counts.any():
            reference = None if mixture is None else mixture.of_series(series, place)
            sums = total.sums[place]
            known = None if reference is not None else measured.get(series.key)
            if known is not None and np.array_equal(known[0], counts) and np.array_equal(known[1], sums):
                stats = known[2]  # a young deployment's windows hold the same
            else:
                stats = measure(series, counts, sums, serial_factor=serial.factor, reference=reference)
            if reference is None:
                measured[series.key] = (counts, sums, stats)
        state = decide(
            stats,
            evaluation_memory.states.get(key, SeriesState()),
            alpha=alpha,
            now=_newest(windows, total),
            window=window.seconds,
            thresholds=limits,
        )
        evaluation_memory.states[key] = state
        if stats is not None:
            yield drift_metric(windows, window, total, profile, mixture, series, stats, state, alpha, now)


def _newest(windows: DeploymentWindows, total: Totals) -> float:
    """Event time that the window reaches: its newest pane may still last a few seconds."""
    return min(windows.window_end(), to_seconds(total.newest_ts)) if total.newest_ts else windows.window_end()


def _mixture(windows: DeploymentWindows, window: Window, profile: Profile) -> HourMixture | None:
    """The reference by the hours of day that the window's events are in; None where that is all of it."""
    if not profile.hourly:
        return None
    return mix_hours(profile, events_by_hour(windows.parts(window), profile.id))


def _service(
    windows: DeploymentWindows, window: Window, total: Totals, evaluation_memory: EvaluationMemory, now: float
) -> ServiceMetric:
    seconds = windows.window_end() - windows.window_start(window)
    timed = total.timed_requests
    return ServiceMetric(
        ts=to_text(now),
        **windows.identity._asdict(),
        window=window.name,
        window_start=to_text(windows.window_start(window)),
        window_end=to_text(windows.window_end()),
        newest_ts=total.newest_ts,
        events=total.events,
        requests=total.requests,
        failed=total.failed,
        refused=total.refused,
        refused_requests=total.requests - timed,
        rate=total.events / seconds,
        error_rate=_share(total.failed - total.refused, total.events - total.refused),
        client_error_rate=_share(total.requests - timed, total.requests),
        latency_mean_ms=total.latency_sum_ms / timed if timed else 0.0,
        latency_p50_ms=_quantile(total, 0.50),
        latency_p95_ms=_quantile(total, 0.95),
        latency_p99_ms=_quantile(total, 0.99),
        baseline_p95_ms=evaluation_memory.baseline_p95_ms,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _quantile(total: Totals, q: float) -> float:
    return latency_quantile(total.latency, q) if total.timed_requests else 0.0


def _learn_baseline(total: Totals, evaluation_memory: EvaluationMemory) -> None:
    """Once: the p95 of the first requests is what later latency is compared with."""
    if evaluation_memory.baseline_p95_ms is None and total.timed_requests >= BASELINE_REQUESTS:
        evaluation_memory.baseline_p95_ms = _quantile(total, 0.95)


def _learn_serial(windows: DeploymentWindows, metrics: list[DriftMetric], evaluation_memory: EvaluationMemory) -> None:
    """Quiet windows that do not overlap say how much more G varies than independent rows would make it."""
    if windows.window_start(LEARNING_WINDOW) < evaluation_memory.learned_until:
        return
    evaluation_memory.learned_until = windows.window_end()
    for metric in metrics:
        if metric.window == LEARNING_WINDOW.name and metric.state == "quiet":
            serial = evaluation_memory.serial.get(metric.series, SerialFactor())
            evaluation_memory.serial[metric.series] = serial.update(metric.g)
