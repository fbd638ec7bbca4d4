"""What the sink is started with."""

from dataclasses import dataclass

from stream.contracts.topics import Topic, TopicLayout

TABLES: dict[Topic, str] = {
    Topic.EVENTS: "inference_events",
    Topic.PANES: "feature_panes",
    Topic.DRIFT: "drift_metrics",
    Topic.SERVICE: "service_metrics",
    Topic.ALERTS: "alerts",
    Topic.NOTIFICATIONS: "notifications",
    Topic.FEEDBACK: "inference_feedback",
    Topic.DEPLOYMENTS: "deployments",
    Topic.DEAD_LETTERS: "dead_letters",
}


@dataclass(frozen=True)
class SinkConfig:
    """Sizes in bytes, durations in seconds."""

    bootstrap: str
    clickhouse_dsn: str
    """With credentials: never to be logged."""
    database: str
    layout: TopicLayout
    group: str = "tidegate-sink"
    flush_s: float = 0.5
    """How long a record may wait for others."""
    batch_bytes: int = 32_000_000
    """What makes a batch full before its time, and a partition pause while ClickHouse is away."""
    batch_rows: int = 500_000
    buffers: int = 4
    """All partitions together may hold this many full batches."""
    insert_threads: int = 2
    """Inserts side by side, of different partitions."""
    drain_s: float = 15.0
    """How long the sink may go on reading after SIGTERM."""

    @property
    def topics(self) -> dict[str, Topic]:
        """Kafka's name of each topic that lands, to which it is."""
        return {self.layout.name(topic): topic for topic in TABLES}
