"""Stored events that are counted again: what cannot be counted costs itself alone."""

import pytest

from stream.rebuilding import recounting
from stream.rebuilding.history import StoredEvent
from stream.rebuilding.recounting import recount, recount_all_that_can_be
from tests.support.past import LABELLED, target_of

TARGETS = {name: target_of(name, LABELLED) for name in ("one", "other")}


def _event(deployment_id: str, prediction: str, ts_us: int = 1_790_000_000_000_000) -> StoredEvent:
    return StoredEvent(deployment_id, ts_us, 0, 200, 1.0, {"a": "0.5"}, prediction)


def test_labels_are_counted_as_they_were_when_they_came() -> None:
    labels = ["yes", "1", "true", "null", "[1, 2", '{"a": ', "yes", None]

    ((_, totals),) = recount([_event("one", label or "") for label in labels], TARGETS)

    binner = TARGETS["one"].binner
    assert binner is not None
    live = binner.empty()
    binner.count([{"a": 0.5}] * len(labels), labels, live)
    assert totals.events == len(labels)
    assert totals.counts.tolist() == live.counts.tolist()


def test_an_event_that_cannot_be_counted_costs_no_other() -> None:
    broken = _event("one", "yes", ts_us=10**30)  # no date has it
    events = [_event("one", "yes"), broken, _event("other", "no")]

    panes, failed = recount_all_that_can_be(events, TARGETS)

    assert [event for event, _ in failed] == [broken]
    assert sorted((pane.deployment_id, totals.events) for pane, totals in panes) == [("one", 1), ("other", 1)]


def test_a_lack_of_memory_is_no_events_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(recounting, "recount", lacks)
    with pytest.raises(MemoryError):
        recount_all_that_can_be([_event("one", "yes")], TARGETS)
