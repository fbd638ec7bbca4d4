"""Adds the events of one deployment to its panes: traffic always, values where the call succeeded."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.contracts.timestamps import to_text
from stream.intake.events import ReadEvent
from stream.intake.targets import Target
from stream.panes.open_pane import OpenPane
from stream.panes.sampling import BASELINE_BYTES, PANE_BYTES, sampled_row
from stream.panes.span import Span


class Sampled(NamedTuple):
    """What was given to references so far, by deployment."""

    rows: dict[str, int]
    bytes: dict[str, int]


FAILED = 400
"""Events with a status from here on are counted as failed, and their values are in no histogram."""
MODEL_FAILED = 500
"""From here on it is not the caller's mistake."""


def add_events(target: Target, panes: Sequence[OpenPane], span: Span, members: list[int], sampled: Sampled) -> None:
    """Add the events of one deployment to their panes: traffic always, values where the call succeeded."""
    numbers, local = np.unique(span.group_of[members], return_inverse=True)
    own = [panes[number] for number in numbers]
    events = [span.events[i] for i in members]
    _add_service(own, local, events, span.times[members])
    good = [i for i, event in enumerate(events) if event.status < FAILED and event.features is not None]
    if not good:
        return
    features = [events[i].features or {} for i in good]
    predictions = [events[i].prediction for i in good]
    if target.binner is None:
        _sample(target, own, local[good].tolist(), features, predictions, sampled)
        return
    counted = target.binner.count_grouped(features, predictions, local[good], len(own))
    for pane, histogram in zip(own, counted, strict=True):
        pane.totals.counts += histogram.counts
        pane.totals.sums += histogram.sums


def _add_service(
    panes: Sequence[OpenPane], groups: NDArray[np.int64], events: Sequence[ReadEvent], times: NDArray[np.float64]
) -> None:
    n = len(events)
    first = np.fromiter((event.row == 0 for event in events), np.bool_, n)
    status = np.fromiter((event.status for event in events), np.int64, n)
    failed = status >= FAILED
    refused = failed & (status < MODEL_FAILED)
    latency = np.fromiter((event.latency_ms for event in events), np.float64, n)
    for index, pane in enumerate(panes):
        own = groups == index
        pane.totals.add_service(
            int(own.sum()),
            int(failed[own].sum()),
            latency[own & first & ~refused],
            refused=int(refused[own].sum()),
            refused_requests=int((own & first & refused).sum()),
        )
        newest = events[int(np.argmax(np.where(own, times, -np.inf)))].ts
        pane.totals.newest_ts = max(pane.totals.newest_ts, to_text(newest))


def _sample(
    target: Target,
    panes: Sequence[OpenPane],
    groups: Sequence[int],
    features: Sequence[Mapping[str, object]],
    predictions: Sequence[object],
    sampled: Sampled,
) -> None:
    """Keep rows for the reference that is still to be made: up to as many as it wants, and within bounds in bytes.

    Which rows these are follows from the order of the records alone. One that has no room is left out for good.
    """
    deployment_id = target.identity.deployment_id
    rows, size = sampled.rows.get(deployment_id, 0), sampled.bytes.get(deployment_id, 0)
    for group, given, prediction in zip(groups, features, predictions, strict=True):
        if rows >= target.baseline_rows or size >= BASELINE_BYTES:
            break
        pane = panes[group]
        row, row_bytes = sampled_row(given, prediction)
        if pane.sample_bytes + row_bytes > PANE_BYTES:
            continue
        pane.sample = pane.sample if pane.sample is not None else []
        pane.sample.append(row)
        pane.sample_bytes += row_bytes
        rows, size = rows + 1, size + row_bytes
    sampled.rows[deployment_id], sampled.bytes[deployment_id] = rows, size
