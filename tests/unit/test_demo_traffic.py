"""The demo's traffic: every row once, in its order, cut into single objects and small batches."""

from pathlib import Path

from tidegate.demo.tally import Tally
from tidegate.demo.traffic import Stream, read_rows, schedule

QUIET = [{"x": float(number)} for number in range(500)]
CHANGED = [{"x": float(number)} for number in range(1000, 1400)]


def test_every_row_is_sent_once_and_in_its_order() -> None:
    parcels = schedule(QUIET, CHANGED, seed=7)
    assert [row for parcel in parcels for row in parcel.rows] == [*QUIET, *CHANGED]


def test_no_request_mixes_rows_from_before_and_after_the_change() -> None:
    parcels = schedule(QUIET, CHANGED, seed=7)
    quiet = [row for parcel in parcels if parcel.stream is Stream.QUIET for row in parcel.rows]
    assert quiet == QUIET
    assert [parcel.stream for parcel in parcels] == sorted((p.stream for p in parcels), key=list(Stream).index)


def test_first_row_says_how_many_rows_went_before() -> None:
    sent = 0
    for parcel in schedule(QUIET, CHANGED, seed=7):
        assert parcel.first_row == sent
        sent += len(parcel.rows)


def test_single_rows_go_as_bare_objects_and_others_as_instances() -> None:
    parcels = schedule(QUIET, CHANGED, seed=7)
    bodies = [parcel.body for parcel in parcels]
    assert {"x": 0.0} in bodies
    batches = [body["instances"] for body in bodies if "instances" in body]
    assert batches
    assert all(isinstance(batch, list) and 2 <= len(batch) <= 12 for batch in batches)


def test_the_same_seed_gives_the_same_requests() -> None:
    assert schedule(QUIET, CHANGED, seed=7) == schedule(QUIET, CHANGED, seed=7)
    assert schedule(QUIET, CHANGED, seed=7) != schedule(QUIET, CHANGED, seed=8)


def test_rows_are_read_as_numbers(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,0.25\n2,1e-3\n", encoding="utf-8")
    assert read_rows(file) == [{"a": 1.0, "b": 0.25}, {"a": 2.0, "b": 0.001}]


def test_the_tally_counts_only_rows_with_200_as_served() -> None:
    tally = Tally()
    tally.sending(Stream.QUIET, 99.0)
    tally.answered(Stream.QUIET, "200", 3, now=1.0, seconds=0.010)
    tally.sending(Stream.CHANGED, 100.0)
    tally.answered(Stream.CHANGED, "503", 5, now=2.0, seconds=0.020)
    tally.sending(Stream.CHANGED, 101.0)
    tally.answered(Stream.CHANGED, "200", 2, now=3.0, seconds=0.030)
    assert (tally.served(), tally.served(Stream.QUIET), tally.served(Stream.CHANGED)) == (5, 3, 2)
    assert tally.refused() == {"503": 1}
    assert tally.changed_at == 100.0


def test_the_pace_is_that_of_the_last_seconds() -> None:
    tally = Tally()
    for second in range(100):
        tally.answered(Stream.QUIET, "200", 2, now=float(second), seconds=second / 1000)
    pace = tally.pace(99.0)
    assert pace.requests_per_s == 6 / 5
    assert pace.rows_per_s == 12 / 5
    assert (pace.p50_ms, pace.p99_ms) == (97.0, 99.0)
    assert tally.overall().p50_ms == 50.0
