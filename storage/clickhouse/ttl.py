"""How long ClickHouse keeps rows: whole parts are dropped, counted from the day on which Kafka got their rows."""

from dataclasses import dataclass
from typing import Any

RAW = ("inference_events", "inference_feedback", "dead_letters")
DERIVED = ("feature_panes", "drift_metrics", "service_metrics", "alerts", "notifications")
KEPT = ("deployments",)
"""A few rows a model; what explains all others."""


@dataclass(frozen=True)
class Retention:
    """Days."""

    events: int
    """Of raw events, feedback and dead letters."""
    metrics: int
    """Of panes, metrics, alerts and notifications."""


def apply_retention(client: Any, retention: Retention) -> None:
    """Set each table's TTL to what the settings say; one that is so already is left alone."""
    rows = client.query("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()").result_rows
    engines = {str(name): str(engine) for name, engine in rows}
    for tables, days in ((RAW, retention.events), (DERIVED, retention.metrics)):
        rule = f"_day + toIntervalDay({days})"
        for table in tables:
            if table in engines and f"TTL {rule} " not in f"{engines[table]} ":
                client.command(f"ALTER TABLE {table} MODIFY TTL {rule}")
