"""Topics, the stream workers, and what the sink lands in ClickHouse."""

from pydantic import Field

from tidegate.setting_groups.group import SettingGroup


class StreamSettings(SettingGroup):
    """Each is the variable TIDEGATE_ and its name in capitals."""

    topic_prefix: str = Field(default="", description="Prefix of every topic, for a Kafka cluster shared with others.")
    event_partitions: int = Field(
        default=4,
        ge=1,
        description="Partitions of `inference.events`: the most stream workers that can share it.",
    )
    metric_partitions: int = Field(default=2, ge=1, description="Partitions of the other topics.")
    replication: int = Field(default=1, ge=1, description="Replicas of each topic; 3 on a production cluster.")
    retention_hours: int = Field(default=168, ge=1, description="Hours that topics keep records (a real Kafka only).")
    stream_workers: int = Field(default=1, ge=1, description="Stream worker processes on this machine.")
    flush_s: float = Field(
        default=1.0,
        gt=0,
        description="Seconds between two writes of the open panes. Lower is fresher, higher is cheaper.",
    )
    evaluate_s: float = Field(
        default=2.0, gt=0, description="Seconds between two evaluations of a deployment's windows."
    )
    rebuild_windows: bool = Field(
        default=True,
        description="Whether windows and open alerts are rebuilt from ClickHouse where the topics are new, as the "
        "embedded broker's are after each start; off, they begin empty then.",
    )
    false_alarms_per_30_days: float = Field(
        default=1.0,
        gt=0,
        description="Budget of false drift alarms per model in 30 days, over all features and windows.",
    )
    sink_flush_s: float = Field(
        default=0.5,
        gt=0,
        description="Seconds that a row may wait for others before it is inserted into ClickHouse.",
    )
    sink_batch_bytes: int = Field(
        default=32_000_000,
        ge=1000,
        description="Bytes that make a batch full before its time (one insert, one part).",
    )
    event_ttl_days: int = Field(default=30, ge=1, description="Days that ClickHouse keeps raw events.")
    metric_ttl_days: int = Field(default=180, ge=1, description="Days that ClickHouse keeps metrics, panes and alerts.")
