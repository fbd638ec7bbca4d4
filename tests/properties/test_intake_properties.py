"""Reading records: any bytes end as events or as rejects with a reason, and good neighbours are never lost."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.contracts.dead_letters import Reason
from stream.intake.events import MAX_LINE_BYTES, Record, read_records

NOW_MS = 1_800_000_000_000
TS = "2027-01-15T08:00:00.000000Z"


def line(**changes: Any) -> bytes:
    event = {
        "event_id": "e1",
        "ts": TS,
        "deployment_id": "d1",
        "workspace": "default",
        "model": "m",
        "version": 1,
        "status": 200,
        "latency_ms": 1.5,
        "features": {"a": 1.0},
        "prediction": 0.5,
    }
    return json.dumps(event | changes).encode()


GOOD = line()


@given(st.lists(st.one_of(st.binary(max_size=200), st.just(GOOD)), max_size=8))
def test_any_bytes_are_read_without_an_exception(values: list[bytes]) -> None:
    intake = read_records([Record(i, NOW_MS, value) for i, value in enumerate(values)])
    assert [o for o in intake.offsets if values[o] == GOOD] == [i for i, value in enumerate(values) if value == GOOD]
    readable = set(intake.offsets) | {reject.offset for reject in intake.rejects}
    assert readable >= {i for i, value in enumerate(values) if value.strip()}


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@given(st.sampled_from(["ts", "version", "status", "features", "latency_ms", "row", "model", "error"]), json_values)
def test_any_value_in_any_field_is_an_event_or_a_reject(name: str, value: object) -> None:
    intake = read_records([Record(0, NOW_MS, line(**{name: value})), Record(1, NOW_MS, GOOD)])
    assert intake.offsets[-1] == 1
    assert len(intake.events) + len(intake.rejects) == 2


LIMITS_MS = (-60_001, -60_000, -59_999, 0, 7 * 86_400_000 - 1, 7 * 86_400_000, 7 * 86_400_000 + 1)


@given(st.lists(st.sampled_from(LIMITS_MS), min_size=1, max_size=6))
def test_each_record_is_judged_by_its_own_time_whatever_it_is_read_with(after_ms: list[int]) -> None:
    """Of records that are read together none is judged by another's time: how they are batched is chance."""
    records = [Record(i, NOW_MS + ms, GOOD) for i, ms in enumerate(after_ms)]
    alone = [offset for record in records for offset in read_records([record]).offsets]
    assert read_records(records).offsets == alone
    assert alone == [i for i, ms in enumerate(after_ms) if -60_000 <= ms <= 7 * 86_400_000]


@given(st.lists(st.sampled_from([GOOD, line(event_id="e2"), b"{", b"", b"  "]), min_size=1, max_size=6))
def test_accepted_bytes_hold_the_accepted_lines_and_nothing_else(lines: list[bytes]) -> None:
    intake = read_records([Record(0, NOW_MS, b"\n".join(lines))])
    accepted = [item for item in b"\n".join(intake.lines).split(b"\n") if item.strip()]
    assert accepted == [item for item in lines if item.startswith(b'{"event_id"')]
    assert len(intake.events) == len(accepted)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\xfe\x00", Reason.NOT_JSON),
        (b"not json", Reason.NOT_JSON),
        (GOOD.replace(b'"m"', b'"caf\xe9"'), Reason.NOT_JSON),
        (GOOD.replace(b'"a"', b'"caf\xe9"'), Reason.NOT_JSON),
        (b"[1, 2]", Reason.WRONG_TYPE),
        (line(status="fine"), Reason.WRONG_TYPE),
        (line(ts="yesterday"), Reason.WRONG_TYPE),
        (line(ts="2027-01-15T08:00:00"), Reason.WRONG_TYPE),
        (line(features={"a": float("nan")}), Reason.NOT_FINITE),
        (line(prediction=float("-inf")), Reason.NOT_FINITE),
        (GOOD.replace(b"1.5", b"1e999"), Reason.NOT_FINITE),
        (line(ts="2027-01-15T08:02:00.000000Z"), Reason.FUTURE_TS),
        (line(ts="2027-01-01T08:00:00.000000Z"), Reason.ANCIENT_TS),
        (line(features={"a": "x" * MAX_LINE_BYTES}), Reason.TOO_LARGE),
        (b"\x00" * 10_000_000, Reason.TOO_LARGE),
        (b'{"features":{"a":' + b"[" * 100_000, Reason.NOT_JSON),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else "",
)
def test_garbage_is_named(value: bytes, reason: Reason) -> None:
    intake = read_records([Record(7, NOW_MS, value), Record(8, NOW_MS, GOOD)])
    assert intake.offsets == [8]
    assert [(reject.offset, reject.reason) for reject in intake.rejects] == [(7, reason)]
    assert intake.rejects[0].detail


def test_a_record_without_one_readable_line_is_one_reject() -> None:
    intake = read_records([Record(7, NOW_MS, b"a\nb\nc")])
    assert [(reject.line, reject.reason) for reject in intake.rejects] == [(-1, Reason.NOT_JSON)]
    assert "none of its 3 lines" in intake.rejects[0].detail


def test_fields_that_nobody_knows_are_accepted() -> None:
    intake = read_records([Record(0, NOW_MS, line(experiment="blue"))])
    assert len(intake.events) == 1
    assert b"blue" in b"\n".join(intake.lines)
