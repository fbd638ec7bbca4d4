"""History in ClickHouse: every question is a named query over what the sink landed."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from storage.history.asking import Asking
from storage.history.keys import pane_keys
from stream.contracts.alerts import Alert
from stream.contracts.identity import Identity
from stream.contracts.metrics import ServiceMetric, decode_service
from stream.contracts.panes import PANE_SECONDS
from stream.contracts.timestamps import to_text
from stream.rebuilding.history import HistoryError, PaneStart, SlotSum, StoredEvent, Stretch

SETTLE_S = 30.0
_INSERTS = "tidegate-sink-"
"""What the query ids of the sink's inserts begin with (storage/sink/position.py)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 86_400
_NO_BINS: dict[str, Any] = {"bins": (), "counts": (), "sums": ()}
_alerts = msgspec.json.Decoder(Alert)
_sample = msgspec.json.Decoder(list[dict[str, Any]])


class ClickHouseHistory:
    """Implements stream.rebuilding.history.History.

    Args:
        dsn: with credentials; never to be logged.
        database: of the tables.
        events_id, panes_id: incarnations that `inference.events` and `feature.panes` have now.
        event_ttl_days: how long events are kept; of older ones the panes are believed.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        dsn: str,
        database: str,
        *,
        events_id: str,
        panes_id: str,
        event_ttl_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._asking = Asking(dsn, database)
        self._now = {"events_id": events_id, "panes_id": panes_id}
        self._event_ttl_s = (event_ttl_days - 1) * _DAY_S
        self._clock = clock

    def settle(self) -> None:
        """A sink that was killed may have left inserts that still run; what it could not begin is not landed."""
        running = self._inserts()
        deadline = time.monotonic() + SETTLE_S
        while running:
            if time.monotonic() > deadline:
                raise HistoryError(f"{len(running)} inserts have been running for {SETTLE_S:g} s")
            time.sleep(0.05)
            running &= self._inserts()

    def newest(self, deployments: Sequence[Identity]) -> dict[str, int]:
        if not deployments:
            return {}
        whose = _whose(deployments)
        found = {
            row["deployment_id"]: int(row["newest"]) for row in self._asking.rows("past_newest", self._with(whose))
        }
        since = min(found.values()) if len(found) == len(whose["ids"]) else 0
        for row in self._asking.rows("past_newest_events", self._with(whose, since=since)):
            start = int(row["newest"]) // PANE_SECONDS * PANE_SECONDS
            found[row["deployment_id"]] = max(found.get(row["deployment_id"], 0), start)
        return found

    def differing(self, stretches: Sequence[Stretch]) -> set[PaneStart]:
        rows = self._asking.rows("past_differing", self._over(stretches))
        complete = self._clock() - self._event_ttl_s
        found = (PaneStart(row["deployment_id"], int(row["pane"])) for row in rows)
        return {pane for pane in found if pane.start >= complete}

    def sums(
        self, stretches: Sequence[Stretch], slot_seconds: int, without: Collection[PaneStart]
    ) -> Iterator[SlotSum]:
        over = self._over(stretches)
        left_out = pane_keys(over["ids"], without)
        asked = {**over, "size": slot_seconds, "grain": left_out.grain, "without": left_out.keys}
        profiles = {one.identity.deployment_id: one.profile_id for one in stretches}
        counted = [profiles[deployment_id] or "" for deployment_id in over["ids"]]
        bins = {
            (row["deployment_id"], profiles[row["deployment_id"]], int(row["slot"])): row
            for row in self._asking.rows("past_bins", {**asked, "profiles": counted})
        }
        for row in self._asking.rows("past_totals", asked):
            own = bins.get((row["deployment_id"], row["profile"], int(row["slot"])), _NO_BINS)
            slow, slow_counts = row["latency"]
            yield SlotSum(
                row["deployment_id"],
                int(row["slot"]),
                row["profile"],
                _text(row["newest_us"]),
                int(row["events"]),
                int(row["requests"]),
                int(row["failed"]),
                int(row["refused"]),
                float(row["latency_sum_ms"]),
                slow,
                slow_counts,
                own["bins"],
                own["counts"],
                own["sums"],
            )

    def events(self, stretches: Sequence[Stretch], panes: Collection[PaneStart]) -> Iterator[list[StoredEvent]]:
        over = self._over(stretches)
        wanted = pane_keys(over["ids"], panes)
        for block in self._asking.blocks("past_events", {**over, "grain": wanted.grain, "panes": wanted.keys}):
            yield [StoredEvent(**row) for row in block]

    def samples(self, deployments: Sequence[Identity]) -> Iterator[tuple[str, list[dict[str, object]]]]:
        for row in self._asking.rows("past_samples", self._with(_whose(deployments))):
            yield row["deployment_id"], _sample.decode(row["rows_text"])

    def memories(self, deployments: Sequence[Identity]) -> dict[str, str]:
        rows = self._asking.rows("past_memories", dict(_whose(deployments)))
        return {row["deployment_id"]: row["remembered"] for row in rows}

    def firing(self) -> list[Alert]:
        return _alerts.decode_lines(self._asking.lines("past_alerts", {}))

    def service(self, deployments: Sequence[Identity], window: str, seconds: int) -> list[ServiceMetric]:
        asked = {**_whose(deployments), "window": window, "seconds": seconds}
        return decode_service(self._asking.lines("past_service", asked))

    def close(self) -> None:
        self._asking.close()

    def _inserts(self) -> set[str]:
        return {str(row["query_id"]) for row in self._asking.rows("past_inserts", {"prefix": _INSERTS})}

    def _over(self, stretches: Sequence[Stretch]) -> dict[str, Any]:
        whose = _whose([stretch.identity for stretch in stretches])
        begins = {stretch.identity.deployment_id: stretch.begin for stretch in stretches}
        return self._with(
            whose,
            begins=[begins[deployment_id] for deployment_id in whose["ids"]],
            since=min(begins.values()),
            until=max(stretch.end for stretch in stretches),
        )

    def _with(self, whose: dict[str, list[str]], **more: object) -> dict[str, Any]:
        return {**whose, **self._now, **more}


def _whose(deployments: Iterable[Identity]) -> dict[str, list[str]]:
    some = sorted(set(deployments))
    return {
        "workspaces": sorted({one.workspace for one in some}),
        "models": sorted({one.model for one in some}),
        "ids": [one.deployment_id for one in some],
    }


def _text(microseconds: int) -> str:
    return to_text(_EPOCH + timedelta(microseconds=microseconds))
