"""Reads ClickHouse by the named queries that the product itself uses."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from storage.clickhouse.client import connect
from storage.clickhouse.queries import query
from tidegate.demo.findings import EventCounts, Firing, Observation, SeriesDrift

MAX_AGE_S = 900
MAX_ROWS = 1_000_000


@dataclass(frozen=True)
class Place:
    """One deployment."""

    workspace: str
    model: str
    deployment_id: str


class Observer:
    """Of one deployment. Its methods block, and raise clickhouse_connect's errors."""

    def __init__(self, dsn: str, database: str, place: Place) -> None:
        self._client = connect(dsn, database)
        self._place = place

    def observe(self) -> Observation:
        """The newest drift, what ever fired, and the events that have landed."""
        mine = self._place.deployment_id
        drift = [row for row in self._rows("latest_drift", max_age_s=MAX_AGE_S) if row["deployment_id"] == mine]
        firings = self._rows("first_drift", deployment_id=mine)
        return Observation(tuple(map(_drift, drift)), tuple(map(_firing, firings)), self.counts())

    def counts(self) -> EventCounts:
        """Events that have landed."""
        for row in self._rows("event_counts"):
            if row["deployment_id"] == self._place.deployment_id:
                return EventCounts(int(row["events"]), int(row["distinct_events"]), int(row["failed"]))
        return EventCounts()

    def pane_events(self) -> tuple[int, int]:
        """Events, and failed ones among them, that the stream worker has counted."""
        for row in self._rows("pane_counts"):
            if row["deployment_id"] == self._place.deployment_id:
                return int(row["events"]), int(row["failed"])
        return 0, 0

    def histogram(self, profile_id: str) -> dict[int, int]:
        """What the stream worker has counted: flat bin to count."""
        begin, end = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
        rows = self._rows(
            "pane_bins",
            deployment_id=self._place.deployment_id,
            profile_id=profile_id,
            **{"from": begin, "to": end},
        )
        return {int(row["bin"]): int(row["count"]) for row in rows if row["count"]}

    def events(self) -> list[tuple[dict[str, Any], Any]]:
        """Features and prediction of every successful event, read back from their text."""
        rows = self._rows("deployment_rows", deployment_id=self._place.deployment_id, limit=MAX_ROWS)
        return [(_features(row["features"]), _prediction(row["prediction"])) for row in rows]

    def close(self) -> None:
        self._client.close()

    def _rows(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        given = {"workspace": self._place.workspace, "model": self._place.model, **parameters}
        return list(self._client.query(query(name), parameters=given).named_results())


def _features(texts: dict[str, str | None]) -> dict[str, Any]:
    return {name: None if text is None else float(text) for name, text in texts.items()}


def _prediction(text: str) -> Any:
    """A label is stored without its quotes, anything else as its JSON."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _drift(row: dict[str, Any]) -> SeriesDrift:
    return SeriesDrift(
        series=row["series"],
        role=row["role"],
        window=row["window"],
        rows=int(row["rows_seen"]),
        psi=float(row["psi"]),
        noise_floor=float(row["psi_noise"]),
        state=row["state"],
        evaluated=_utc(row["evaluated"]),
        newest_event=_utc(row["newest_event"]),
    )


def _firing(row: dict[str, Any]) -> Firing:
    evaluated, newest = _utc(row["evaluated"]), _utc(row["newest_event"])
    return Firing(row["series"], row["role"], row["window"], evaluated, newest)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
