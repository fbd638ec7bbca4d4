"""Every Prometheus metric of the stream worker and the notifier."""

from prometheus_client import Counter, Gauge, Histogram

EVENTS_COUNTED = Counter("tidegate_stream_events_total", "Events counted into panes.")
RECORDS_READ = Counter("tidegate_stream_records_total", "Records read.", ["topic"])
DEAD_LETTERS = Counter("tidegate_stream_dead_letters_total", "Lines that could not be read.", ["reason"])
SET_ASIDE = Counter(
    "tidegate_stream_set_aside_total", "Records whose reader failed twice: none is expected, ever.", ["topic"]
)
STARTED_OVER = Counter(
    "tidegate_stream_started_over_total", "States taken up anew because a step failed: none is expected.", ["agent"]
)
GAPS = Counter("tidegate_stream_gaps_total", "Ranges of offsets that a topic does not have.", ["topic"])
LAG = Gauge("tidegate_stream_lag_records", "Records of a partition that are not counted yet.", ["topic", "partition"])
FLUSH_SECONDS = Histogram("tidegate_stream_flush_seconds", "Time to write what changed.", ["agent"])
EVALUATIONS = Counter("tidegate_stream_evaluations_total", "Evaluations of a deployment's windows.")
TOO_LARGE = Counter("tidegate_stream_too_large_total", "Records that were too large to be written.", ["topic"])
PANES_OF_ENDED = Counter(
    "tidegate_stream_panes_of_ended_total", "Panes that were not evaluated: their deployment had ended."
)
KEPT = Gauge(
    "tidegate_stream_kept",
    "What a worker keeps in memory: deployments, ended, windows, panes, alerts, values (of the changelogs).",
    ["kind"],
)
ALERT_CHANGES = Counter(
    "tidegate_alert_changes_total", "Alerts that began to fire or were resolved.", ["rule", "state"]
)
NOTIFICATIONS = Counter("tidegate_notifications_total", "Attempts to deliver an alert.", ["channel", "outcome"])
REBUILD_SECONDS = Histogram("tidegate_rebuild_seconds", "Time to rebuild state from ClickHouse.", ["what"])
REBUILDS_FAILED = Counter("tidegate_rebuild_failures_total", "Attempts to rebuild state that failed.", ["what"])
UNCOUNTED = Counter(
    "tidegate_rebuild_uncounted_events_total", "Stored events that rebuilt windows are without: they cannot be counted."
)
PANES_PASSED = Counter("tidegate_panes_passed_total", "Panes of former topics that a rebuilt state holds already.")
