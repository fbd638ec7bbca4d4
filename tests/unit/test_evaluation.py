"""From a deployment's panes to its metrics: what is measured, against what, and what an evaluation remembers."""

import numpy as np

from stream.config import EvaluationConfig
from stream.contracts.identity import Identity
from stream.contracts.metrics import DriftMetric
from stream.contracts.panes import PANE_SECONDS, Pane
from stream.contracts.timestamps import to_text
from stream.profiles.build import build_profile
from stream.profiles.numeric import assign_bins
from stream.profiles.profile import Profile
from stream.windows.deployment_windows import DeploymentWindows
from stream.windows.evaluation import Evaluation, EvaluationMemory, evaluate

T0 = 1_800_000_000
IDENTITY = Identity("default", "m", 1, "d1")
PROFILE = build_profile({"x": np.random.default_rng(5).normal(size=5000)}, model="m", version=1)


def pane(start: int, mean: float, rows: int, newest: float, seed: int = 1) -> Pane:
    """`rows` values of a normal distribution around `mean`."""
    series = PROFILE.features[0]
    values = np.random.default_rng(seed).normal(mean, 1.0, rows)
    bins = np.bincount(assign_bins(np.array(series.edges), values), minlength=series.n_bins)
    held = np.flatnonzero(bins)
    return Pane(
        **IDENTITY._asdict(),
        profile_id=PROFILE.id,
        start=start,
        topic_id="t",
        partition=0,
        segment=start,
        as_of=start + rows,
        closed=False,
        closed_at=-1,
        closes_at=start + PANE_SECONDS + 20,
        newest_ts=to_text(newest),
        events=rows,
        requests=rows,
        failed=0,
        latency_bins=[10],
        latency_counts=[rows],
        latency_sum_ms=float(rows),
        bins=held.tolist(),
        counts=bins[held].tolist(),
        sums=[0.0] * len(held),
    )


def windows_of(*panes: Pane) -> DeploymentWindows:
    windows = DeploymentWindows(IDENTITY)
    for offset, each in enumerate(panes):
        windows.apply(each, offset, PROFILE.size)
    return windows


def evaluated(windows: DeploymentWindows, profile: Profile | None = PROFILE) -> Evaluation:
    return evaluate(windows, profile, 0.2, EvaluationMemory(), EvaluationConfig(), now=T0 + 7.0)


def in_the_last_minute(evaluation: Evaluation) -> DriftMetric:
    return next(metric for metric in evaluation.drift if metric.window == "1m")


def test_rows_like_the_reference_are_quiet_in_every_window() -> None:
    found = evaluated(windows_of(pane(T0, 0.0, 500, T0 + 6)))
    assert {(m.window, m.state, m.n) for m in found.drift} == {
        (name, "quiet", 500) for name in ("1m", "5m", "1h", "24h")
    }


def test_a_shift_of_one_sigma_is_drift_and_names_what_moved() -> None:
    metric = in_the_last_minute(evaluated(windows_of(pane(T0, 1.0, 500, T0 + 6))))
    assert (metric.state, metric.reference) == ("drift", "reference")
    assert "psi" in metric.channels
    assert metric.psi > 0.2 > metric.psi_noise
    assert metric.moved[0].window > 2 * metric.moved[0].reference


def test_drift_began_with_an_event_and_not_after_it() -> None:
    metric = in_the_last_minute(evaluated(windows_of(pane(T0, 1.0, 500, T0 + 6.25))))
    assert metric.window_end == to_text(T0 + PANE_SECONDS), "the pane that is still open ends later"
    assert metric.since == metric.newest_ts == to_text(T0 + 6.25)


def test_a_deployment_without_a_reference_has_service_metrics_only() -> None:
    found = evaluated(windows_of(pane(T0, 0.0, 500, T0 + 6)), profile=None)
    assert found.drift == []
    assert [(m.window, m.events, m.error_rate) for m in found.service] == [
        (name, 500, 0.0) for name in ("1m", "5m", "1h", "24h")
    ]
