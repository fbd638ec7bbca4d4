"""What the panes on the topic add up to, and the same counted again from the events themselves."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.events import InferenceEvent
from stream.contracts.panes import PANE_SECONDS, Pane, decode
from stream.contracts.timestamps import to_seconds
from stream.histograms.binning import Binner
from stream.profiles.profile import Profile
from tests.support.broker import Broker
from tests.support.stream_worker import StreamWorkers
from tests.support.topic_reader import read_topic
from tests.support.waiting import wait_until


class Count(NamedTuple):
    """Of one deployment in one pane."""

    events: int
    requests: int
    failed: int
    refused: int
    bins: tuple[int, ...]
    """Dense."""


Counts = dict[tuple[str, int], Count]


def counted_by_stream(bootstrap: str, topic: str, profiles: Mapping[str, Profile]) -> Counts:
    """The newest pane of each identity, summed over partitions and segments."""
    newest: dict[tuple[str, int, int, int], Pane] = {}
    for record in read_topic(bootstrap, topic):
        pane = decode(record.value)
        key = (pane.deployment_id, pane.start, pane.partition, pane.segment)
        if key not in newest or pane.as_of >= newest[key].as_of:
            newest[key] = pane
    found: Counts = {}
    for pane in newest.values():
        dense = np.zeros(profiles[pane.deployment_id].size, np.int64)
        dense[pane.bins] = pane.counts
        _add(found, (pane.deployment_id, pane.start), (pane.events, pane.requests, pane.failed, pane.refused), dense)
    return found


def recounted(events: Iterable[InferenceEvent], profiles: Mapping[str, Profile]) -> Counts:
    """Each pane's events at once, in the order in which they are given: not that of the records, nor in its batches."""
    panes: dict[tuple[str, int], list[InferenceEvent]] = defaultdict(list)
    for event in events:
        start = int(to_seconds(event.ts)) // PANE_SECONDS * PANE_SECONDS
        panes[event.deployment_id, start].append(event)
    binners = {deployment_id: Binner(profile) for deployment_id, profile in profiles.items()}
    return {(name, start): _count(members, binners[name]) for (name, start), members in panes.items()}


def _count(events: Sequence[InferenceEvent], binner: Binner) -> Count:
    good = [event for event in events if event.status < 400]
    histogram = binner.empty()
    binner.count([event.features or {} for event in good], [event.prediction for event in good], histogram)
    return Count(
        events=len(events),
        requests=sum(event.row == 0 for event in events),
        failed=len(events) - len(good),
        refused=sum(400 <= event.status < 500 for event in events),
        bins=tuple(histogram.counts.tolist()),
    )


def _add(found: Counts, key: tuple[str, int], service: tuple[int, int, int, int], dense: NDArray[np.int64]) -> None:
    known = found.get(key, Count(0, 0, 0, 0, (0,) * len(dense)))
    bins = tuple((np.array(known.bins) + dense).tolist())
    events, requests, failed, refused = (had + more for had, more in zip(known[:4], service, strict=True))
    found[key] = Count(events, requests, failed, refused, bins)


def wait_for_equality(
    broker: Broker, topic: str, workers: StreamWorkers, expected: Counts, profiles: Mapping[str, Profile]
) -> None:
    """Start again what ended by itself meanwhile, as the supervisor would. Fails with what differs and the logs."""
    differences: list[str] = []

    def equal() -> bool:
        workers.revive()
        differences[:] = differences_of(expected, counted_by_stream(broker.bootstrap, topic, profiles))
        return not differences

    try:
        wait_until(equal, 60, "panes that equal a recount of the events", every_s=1.0)
    except AssertionError as error:
        workers.print_tasks()
        raise AssertionError(f"{error}\n{differences[:20]}\n{workers.log()}") from error


def differences_of(expected: Counts, found: Counts) -> list[str]:
    return [
        f"{key}: {found[key].events if key in found else None} for {count.events}"
        for key, count in expected.items()
        if found.get(key) != count
    ] + [f"{key} should not be" for key in found.keys() - expected.keys()]
