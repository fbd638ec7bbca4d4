"""Stored events to the totals of their panes, by the code that counts live ones. Pure.

Storage keeps features and predictions as text: a label without its quotes, anything else as its JSON. So a text that
reads as a number is a number here, unless the profile has it as a category. Whether it was `"5"` or `5` only the topic
knew.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from stream.contracts.decode_errors import UNREADABLE
from stream.intake.events import ReadEvent
from stream.intake.targets import Target
from stream.panes.partition_counter import PartitionCounter
from stream.panes.totals import Totals
from stream.profiles.profile import FeatureProfile
from stream.rebuilding.history import PaneStart, StoredEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def recount(events: Sequence[StoredEvent], targets: Mapping[str, Target]) -> list[tuple[PaneStart, Totals]]:
    """Totals by pane; one pane may come more than once, to be added. Every event's deployment is in `targets`."""
    read = [_read(event, targets[event.deployment_id]) for event in events]
    counter = PartitionCounter("", 0)
    counter.add(read, [0] * len(read), 0, targets)
    panes = [*counter.closed, *counter.open.values()]
    return [(PaneStart(pane.identity.deployment_id, pane.start), pane.totals) for pane in panes]


def recount_all_that_can_be(
    events: Sequence[StoredEvent], targets: Mapping[str, Target]
) -> tuple[list[tuple[PaneStart, Totals]], list[tuple[StoredEvent, Exception]]]:
    """The same, and the events that cannot be counted: one of them must not cost the windows of all deployments.

    Raises:
        MemoryError: which is no event's fault, and may pass.
    """
    try:
        return recount(events, targets), []
    except MemoryError:
        raise
    except Exception:  # whichever it was, it is found below
        panes, failed = [], []
        for event in events:
            try:
                panes += recount([event], targets)
            except MemoryError:
                raise
            except Exception as error:
                failed.append((event, error))
        return panes, failed


def _read(event: StoredEvent, target: Target) -> ReadEvent:
    known = () if target.binner is None else target.binner.profile.features
    series = {one.name: one for one in known if one.role == "feature"}
    predicted = {one.name: one for one in known if one.role == "prediction"}.get("prediction")
    identity = target.identity
    return ReadEvent(
        event_id="",
        ts=_EPOCH + timedelta(microseconds=event.ts_us),
        deployment_id=event.deployment_id,
        workspace=identity.workspace,
        model=identity.model,
        version=identity.version,
        row=event.row,
        status=event.status,
        latency_ms=event.latency_ms,
        features={name: _value(text, series.get(name)) for name, text in event.features.items()},
        prediction=_read_as(event.prediction, predicted) if event.prediction else None,
    )


def _value(text: str | None, series: FeatureProfile | None) -> Any:
    """Of a feature; nothing counts one that the profile does not have."""
    return text if text is None or series is None else _read_as(text, series)


def _read_as(text: str, series: FeatureProfile | None) -> Any:
    """What the text was: itself where it is a known category or no JSON, else what it reads as."""
    if series is not None and series.kind == "categorical" and (text in series.categories or text in series.pooled):
        return text
    try:
        found = msgspec.json.decode(text)
    except UNREADABLE:
        return text
    return text if found is None else found  # what was null is stored as none at all
