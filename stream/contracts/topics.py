"""Every topic of Tidegate: its name, partitions, retention and compaction, in one place."""

from dataclasses import dataclass, field
from enum import StrEnum

HOUR_MS = 3_600_000


class Topic(StrEnum):
    """Topic names, without the configurable prefix."""

    EVENTS = "inference.events"
    """One record: 1..N events of one deployment (gateway/events.py)."""
    PANES = "feature.panes"
    """Cumulative counts of 10 s of event time from one source partition, keyed by deployment
    (stream/contracts/panes.py)."""
    DRIFT = "drift.metrics"
    """Statistics of each series in each window, keyed by deployment (stream/contracts/metrics.py)."""
    SERVICE = "service.metrics"
    """Rate, errors and latency of each deployment, keyed by deployment (stream/contracts/metrics.py)."""
    ALERTS = "alerts"
    """Changes of an alert's state, keyed by alert (stream/contracts/alerts.py)."""
    NOTIFICATIONS = "notifications"
    """Each attempt to deliver an alert, and its outcome (stream/contracts/alerts.py)."""
    FEEDBACK = "inference.feedback"
    """Labels that arrive after the prediction."""
    DEPLOYMENTS = "deployments"
    """What went live, with the profile that its traffic is measured against; compacted
    (stream/contracts/deployments.py)."""
    DEAD_LETTERS = "dead.letters"
    """What could not be read, with the reason (stream/contracts/dead_letters.py)."""


class StateTable(StrEnum):
    """Tables of the stream workers; each has a compacted changelog topic, partition for partition beside its input."""

    COUNTS = "counts"
    """Beside `inference.events`: open panes, and the offset that they reach."""
    WINDOWS = "windows"
    """Beside `feature.panes`: slots, and the offset that they reach."""
    ALERTS = "alerts"
    """Beside `drift.metrics` and `service.metrics`: open alerts, and the offsets that they reach."""


@dataclass(frozen=True)
class TopicSpec:
    """What `tidegate topics` creates."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TopicLayout:
    """The operator's choices, from which every topic's settings follow."""

    prefix: str = ""
    event_partitions: int = 4
    """Of `inference.events`: the most stream workers and sinks that can share its load."""
    metric_partitions: int = 2
    """Of every other topic: the most workers that can share the deployments."""
    replication: int = 1
    retention_hours: int = 168
    """Of everything but `deployments`, which is compacted and kept."""
    max_record_bytes: int = 12_582_912
    """A little above the largest record the gateway makes, so that garbage of 10 MB is read and dead-lettered."""

    def name(self, topic: Topic) -> str:
        return f"{self.prefix}{topic.value}"

    @property
    def app_id(self) -> str:
        """The stream workers' consumer group, and the prefix of their changelogs."""
        return f"{self.prefix}tidegate-stream"

    def partitions_of(self, table: StateTable) -> int:
        return self.event_partitions if table is StateTable.COUNTS else self.metric_partitions

    def changelog(self, table: StateTable) -> TopicSpec:
        """Faust gives a table's changelog this name."""
        config = {"max.message.bytes": str(self.max_record_bytes), "cleanup.policy": "compact"}
        name = f"{self.app_id}-{table.value}-changelog"
        return TopicSpec(name, self.partitions_of(table), self.replication, config)

    def spec(self, topic: Topic) -> TopicSpec:
        partitions = self.event_partitions if topic is Topic.EVENTS else self.metric_partitions
        config = {"max.message.bytes": str(self.max_record_bytes)}
        if topic is Topic.EVENTS:
            # A record's time decides what is taken from it, so it is the broker's: one clock, whoever produces.
            config["message.timestamp.type"] = "LogAppendTime"
        if topic is Topic.DEPLOYMENTS:
            # One partition: a reader must know when it has seen every deployment there is.
            partitions = 1
            config["cleanup.policy"] = "compact"
        else:
            config["cleanup.policy"] = "delete"
            config["retention.ms"] = str(self.retention_hours * HOUR_MS)
        return TopicSpec(self.name(topic), partitions, self.replication, config)

    def specs(self) -> list[TopicSpec]:
        """Every topic, in the order in which data meets them, then the changelogs."""
        return [*(self.spec(topic) for topic in Topic), *(self.changelog(table) for table in StateTable)]
