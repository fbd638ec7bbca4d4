"""A deployment's windows, counted from events, are compared with the hours of day that these were in."""

import msgspec
import numpy as np
import pytest

from stream.config import EvaluationConfig
from stream.contracts.identity import Identity
from stream.contracts.metrics import DriftMetric
from stream.contracts.timestamps import to_text
from stream.histograms.binning import Binner
from stream.intake.events import ReadEvent
from stream.intake.targets import Target
from stream.panes.partition_counter import PartitionCounter
from stream.profiles.profile import Profile
from stream.windows.evaluation import Evaluation, EvaluationMemory, evaluate
from stream.windows.partition_windows import PartitionWindows
from tests.support.panes import take_changed
from tests.support.rhythm import DAY, HOUR, compare, sine, sine_profile
from tests.support.windows import Floats

RNG = np.random.default_rng(8)
PROFILE = sine_profile(RNG, 20_000)
TIMES = np.sort(20_000 * DAY + 5.5 * HOUR + RNG.uniform(60, HOUR - 60, 1200))
"""Over two hours of one morning."""
VALUES = sine(RNG, TIMES)
UNTIMED = msgspec.structs.replace(PROFILE, id="untimed", hours=msgspec.UNSET)


def counted(profile: Profile, times: Floats, values: Floats) -> PartitionWindows:
    """Windows of the panes that these events make; the last of them are still open."""
    target = Target(Identity("default", "m", 1, "d1"), profile.id, Binner(profile), profile.size, 10)
    counter, windows = PartitionCounter("t", 0), PartitionWindows()
    for offset, (at, value) in enumerate(zip(times, values, strict=True)):
        raw: dict[str, object] = {"event_id": "e", "ts": to_text(at), "deployment_id": "d1", "workspace": "default"}
        raw |= {"model": "m", "version": 1, "features": {"x": value}, "prediction": None}
        counter.add([msgspec.convert(raw, ReadEvent)], [offset], offset, {"d1": target})
    changed = take_changed(counter)
    for offset, pane in enumerate(changed):
        windows.apply(pane, offset, profile.size)
    return windows


def evaluated(profile: Profile, times: Floats = TIMES, values: Floats = VALUES) -> Evaluation:
    windows = counted(profile, times, values).deployments["d1"].windows
    return evaluate(windows, profile, 0.2, EvaluationMemory(), EvaluationConfig(), 0.0)


def metric(evaluation: Evaluation, window: str) -> DriftMetric:
    (found,) = (one for one in evaluation.drift if one.window == window)
    return found


@pytest.mark.parametrize("window", ["1h", "24h"])
def test_a_rhythm_is_drift_against_all_of_the_reference_and_none_against_its_hours(window: str) -> None:
    whole, hourly = (metric(evaluated(profile), window) for profile in (UNTIMED, PROFILE))
    assert (whole.reference, whole.state) == ("reference", "drift")
    assert (hourly.reference, hourly.state) == ("hour_of_day", "quiet")
    assert whole.n == hourly.n == len(TIMES)
    assert hourly.reference_mean == pytest.approx(1.0, abs=0.1)


def test_the_windows_make_the_comparison_that_the_events_would() -> None:
    found, expected = metric(evaluated(PROFILE), "1h"), compare(PROFILE, TIMES, VALUES, hourly=True)
    assert (found.n, found.psi, found.g_p) == pytest.approx((expected.n, expected.psi, expected.g_p))
    assert found.psi_noise == pytest.approx(expected.psi_noise)


def test_a_shift_against_the_rhythm_is_found() -> None:
    found = metric(evaluated(PROFILE, values=VALUES - 1), "1h")
    assert found.state == "drift"
    assert "psi" in found.channels


def test_hours_that_the_profile_lacks_are_compared_with_all_of_it() -> None:
    assert isinstance(PROFILE.hours, tuple)
    other = tuple(one for one in PROFILE.hours if one.hour not in {5, 6})
    found = metric(evaluated(msgspec.structs.replace(PROFILE, id="other", hours=other)), "1h")
    whole = metric(evaluated(UNTIMED), "1h")
    assert (found.reference, found.psi, found.state) == ("reference", whole.psi, "drift")
