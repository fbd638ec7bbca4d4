"""What the demo's view shows of a run."""

import io
from datetime import UTC, datetime

import numpy as np
import pytest
from rich.console import Console

from stream.profiles.build import build_profile
from tidegate.demo.bare_psi import BarePsi
from tidegate.demo.findings import Delivery, EventCounts, Observation, SeriesDrift
from tidegate.demo.run_state import Phase, RunState
from tidegate.demo.traffic import Stream, schedule
from tidegate.demo.view import frame, line

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def state() -> RunState:
    random = np.random.default_rng(5)
    profile = build_profile({"price": random.normal(size=1000)}, model="m", version=1)
    quiet = [{"price": float(value)} for value in random.normal(size=200)]
    changed = [{"price": 9.0}] * 50
    run = RunState(model="m", version=3, profile=profile, rows_to_send=250, bare=BarePsi(profile))
    for number, parcel in enumerate(schedule(quiet, changed, seed=1)):
        run.sent(parcel)
        run.tally.sending(parcel.stream, NOON.timestamp() + number)
        run.tally.answered(parcel.stream, "200", len(parcel.rows), now=number / 100, seconds=0.004)
    return run


def drift(state: str, newest: datetime = NOON) -> SeriesDrift:
    return SeriesDrift("price", "feature", "1m", 250, 1.234, 0.056, state, newest, newest)


def shown(state: RunState) -> str:
    console = Console(file=io.StringIO(), width=112, record=True)
    console.print(frame(state, now=1.0))
    return console.export_text()


def test_the_picture_shows_each_feature_beside_the_bare_alarms(state: RunState) -> None:
    state.observed(Observation((drift("drift"),), (), EventCounts(240, 240)))
    text = shown(state)
    price = next(row for row in text.splitlines() if "price" in row)
    assert [word for word in ("1m", "250", "1.234", "0.056", "DRIFT", "of 2,") if word not in price] == []
    assert "m v3 · rows after the real change" in text
    assert "answered 250 · stored 240" in text
    assert "p50 4.0 ms" in text


def test_the_picture_tells_the_alert_and_when_it_came(state: RunState) -> None:
    assert state.tally.changed_at is not None
    newest = datetime.fromtimestamp(state.tally.changed_at + 1, UTC).isoformat()
    alert = {"rule": "significant-drift", "state": "firing", "newest_ts": newest, "summary": "price moved"}
    state.deliveries = [Delivery(state.tally.changed_at + 4.2, {}, {"data": alert})]
    assert "alert received 4.2 s after the first changed row was sent" in shown(state)
    assert "price moved" in shown(state)


def test_a_feature_that_was_not_measured_says_so(state: RunState) -> None:
    assert "not measured yet" in shown(state)


def test_the_line_says_what_fires(state: RunState) -> None:
    assert "nothing fires" in line(state, now=1.0)
    state.observed(Observation((drift("drift"),), (), EventCounts(240, 240)))
    assert "firing: price" in line(state, now=1.0)


def test_at_the_end_the_pace_is_that_of_the_whole_run(state: RunState) -> None:
    assert "p50 0.0 ms" in line(state, now=1000.0)
    state.phase = Phase.DONE
    assert "p50 4.0 ms" in line(state, now=1000.0)


def test_only_evaluations_of_held_out_rows_count_as_quiet(state: RunState) -> None:
    assert state.tally.changed_at is not None
    before = datetime.fromtimestamp(state.tally.changed_at - 1, UTC)
    after = datetime.fromtimestamp(state.tally.changed_at + 1, UTC)
    state.observed(Observation((drift("quiet", after), drift("insufficient_data", before))))
    assert state.judged_quiet == set()
    state.observed(Observation((drift("quiet", before),)))
    assert state.judged_quiet == {"price"}
    assert state.phase is Phase.CHANGED
    assert state.tally.served(Stream.CHANGED) == 50
