"""Events of consecutive records of one partition, grouped by pane, with the watermark before and after each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from stream.contracts.panes import PANE_SECONDS
from stream.intake.events import ReadEvent
from stream.intake.targets import Target
from stream.panes.open_pane import OpenPane

GRACE_SECONDS = 20.0
"""A pane stays open this long (of event time) for events that arrive out of order; later ones open a new segment."""

PaneKey = tuple[str, int, str | None]
"""(deployment_id, start, profile_id)"""


@dataclass(frozen=True, slots=True)
class Span:
    """All arrays have one entry an event."""

    events: Sequence[ReadEvent]
    offsets: NDArray[np.int64]
    times: NDArray[np.float64]
    before: NDArray[np.float64]
    """The watermark before the event's record."""
    after: NDArray[np.float64]
    """The watermark once the event was seen; ascending."""
    groups: dict[PaneKey, int]
    """The index of the first event of each pane."""
    group_of: NDArray[np.int64]
    mixed: bool

    @classmethod
    def of(
        cls,
        events: Sequence[ReadEvent],
        offsets: NDArray[np.int64],
        times: NDArray[np.float64],
        watermark: float,
        targets: Mapping[str, Target],
    ) -> "Span":
        after = np.maximum.accumulate(np.maximum(times, watermark))
        record_starts = np.searchsorted(offsets, offsets, side="left")
        before = np.concatenate([[watermark], after])[record_starts]
        starts = (times // PANE_SECONDS).astype(np.int64) * PANE_SECONDS
        groups: dict[PaneKey, int] = {}
        numbers: dict[PaneKey, int] = {}
        group_of = np.empty(len(events), np.int64)
        for index, (event, start) in enumerate(zip(events, starts.tolist(), strict=True)):
            key = (event.deployment_id, start, targets[event.deployment_id].profile_id)
            number = numbers.get(key)
            if number is None:
                number = numbers[key] = len(numbers)
                groups[key] = index
            group_of[index] = number
        return cls(events, offsets, times, before, after, groups, group_of, len({key[0] for key in groups}) > 1)

    def closes_at(self, key: PaneKey, first: int) -> float:
        return max(float(key[1] + PANE_SECONDS), float(self.before[first])) + GRACE_SECONDS

    def holds_together(self, open_panes: Mapping[PaneKey, OpenPane]) -> bool:
        """None of its own panes closes within it (the last record may close any)."""
        last_before = float(self.before[-1])
        return all(
            (open_panes[key].closes_at if key in open_panes else self.closes_at(key, first)) > last_before
            for key, first in self.groups.items()
        )

    def by_deployment(self, ordered: list[int] | None) -> Iterable[tuple[str, list[int]]]:
        if ordered is None:
            yield self.events[0].deployment_id, list(range(len(self.events)))
            return
        for deployment_id, members in groupby(ordered, key=lambda i: self.events[i].deployment_id):
            yield deployment_id, list(members)

    def last_offsets(self, n_groups: int) -> list[int]:
        last = np.full(n_groups, -1, np.int64)
        np.maximum.at(last, self.group_of, self.offsets)
        return last.tolist()
