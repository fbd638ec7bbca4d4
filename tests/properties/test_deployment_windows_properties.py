"""A deployment's windows: panes may come twice, old after new, and from before a restart; the sums stay the same."""

import random
from collections.abc import Sequence

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from stream.contracts.panes import Pane
from stream.contracts.timestamps import to_text
from stream.intake.events import ReadEvent
from stream.panes.partition_counter import PartitionCounter
from stream.windows.partition_windows import POSITION, PartitionWindows
from stream.windows.window import WINDOWS
from tests.properties.test_partition_counter_properties import BASE, PROFILE, TARGETS
from tests.support.panes import take_changed

DAY = WINDOWS[-1]
times = st.lists(st.lists(st.floats(0, 300, width=32), min_size=1, max_size=3), min_size=1, max_size=25)


def panes_of(times: Sequence[Sequence[float]], partition: int, every: int) -> list[Pane]:
    """What a counter sends, flushing after `every` records."""
    counter = PartitionCounter("t", partition)
    sent: list[Pane] = []
    for offset, record in enumerate(times):
        events = [
            msgspec.convert(
                {
                    "event_id": "e",
                    "ts": to_text(BASE + at),
                    "deployment_id": "d1",
                    "workspace": "default",
                    "model": "m",
                    "version": 1,
                    "features": {"a": 0.5},
                    "prediction": 1,
                },
                ReadEvent,
            )
            for at in record
        ]
        counter.add(events, [offset] * len(events), offset, TARGETS)
        if offset % every == every - 1:
            sent += _flush(counter)
    return sent + _flush(counter)


def _flush(counter: PartitionCounter) -> list[Pane]:
    changed = take_changed(counter)
    counter.acknowledge(changed)
    return changed


def day_total(windows: PartitionWindows) -> tuple[int, int]:
    total = windows.deployments["d1"].windows.total(DAY)
    return total.events, int(total.counts.sum())


def apply_all(windows: PartitionWindows, panes: Sequence[Pane]) -> None:
    for offset, pane in list(enumerate(panes))[windows.next_offset :]:
        windows.apply(pane, offset, PROFILE.size)
        windows.next_offset = offset + 1


@given(times, times, st.integers(1, 7), st.randoms(use_true_random=False))
def test_the_day_window_holds_every_event_once(
    one: list[list[float]], two: list[list[float]], every: int, rng: random.Random
) -> None:
    panes = _interleave(panes_of(one, 0, every), panes_of(two, 1, every), rng)
    windows = PartitionWindows()
    apply_all(windows, panes)
    n = sum(map(len, one)) + sum(map(len, two))
    assert day_total(windows) == (n, 2 * n)


@given(times, st.integers(1, 7), st.integers(0, 100), st.integers(0, 100))
def test_panes_sent_again_change_nothing(times: list[list[float]], every: int, start: int, count: int) -> None:
    """A worker that took over sends its state's panes again, closed ones too, in the old order."""
    panes = panes_of(times, 0, every)
    again = panes[start % len(panes) :][: count + 1]
    windows = PartitionWindows()
    apply_all(windows, [*panes, *again])
    n = sum(map(len, times))
    assert day_total(windows) == (n, 2 * n)


@given(times, st.integers(1, 5), st.integers(0, 60), st.integers(0, 60))
def test_a_kill_between_any_two_writes_changes_nothing(
    times: list[list[float]], every: int, flush_at: int, lost: int
) -> None:
    """The changelog is cut after any number of its keys: what was not written is read again."""
    panes = panes_of(times, 0, every)
    windows = PartitionWindows()
    stored: dict[str, bytes] = {}
    apply_all(windows, panes[: flush_at % (len(panes) + 1)])
    _store(stored, list(windows.changes()))
    apply_all(windows, panes[: (flush_at + lost) % (len(panes) + 1)])
    written = list(windows.changes())
    _store(stored, written[: lost % (len(written) + 1)])
    successor = PartitionWindows.restore(stored)
    apply_all(successor, panes)
    n = sum(map(len, times))
    assert day_total(successor) == (n, 2 * n)


@given(times, st.integers(1, 5), st.integers(0, 60), st.integers(0, 60))
def test_nothing_is_left_of_a_deployment_that_ended_wherever_a_kill_cuts(
    times: list[list[float]], every: int, flush_at: int, lost: int
) -> None:
    panes = panes_of(times, 0, every)
    windows = PartitionWindows()
    stored: dict[str, bytes] = {}
    apply_all(windows, panes[: flush_at % (len(panes) + 1)])
    written = list(windows.changes())
    _store(stored, written[: lost % (len(written) + 1)])
    for _ in range(3):  # the first two are killed while they remove it
        successor = PartitionWindows.restore(stored)
        successor.forget("d1")
        removed = list(successor.changes())
        _store(stored, removed[: lost % (len(removed) + 1)])
    _store(stored, removed)
    assert set(stored) <= {POSITION}
    assert not successor.deployments


def test_a_short_window_forgets_what_is_older() -> None:
    panes = panes_of([[0.0], [200.0]], 0, 1)
    windows = PartitionWindows()
    apply_all(windows, panes)
    minute = windows.deployments["d1"].windows.total(WINDOWS[0])
    assert minute.events == 1
    assert day_total(windows) == (2, 4)


def _store(stored: dict[str, bytes], changes: Sequence[tuple[str, bytes | None]]) -> None:
    for name, value in changes:
        if value is None:
            stored.pop(name, None)
        else:
            stored[name] = value


def _interleave(one: list[Pane], two: list[Pane], rng: random.Random) -> list[Pane]:
    assume(one or two)
    one, two, merged = list(one), list(two), []
    while one or two:
        source = one if not two or (one and rng.random() < 0.5) else two
        merged.append(source.pop(0))
    return merged
