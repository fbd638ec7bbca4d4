"""What the gateway holds: events under way to Kafka, bodies, and connections."""

from pathlib import Path

from pydantic import Field

from tidegate.setting_groups.group import SettingGroup


class ServingSettings(SettingGroup):
    """Each is the variable TIDEGATE_ and its name in capitals."""

    emit_buffer_bytes: int = Field(
        default=64_000_000,
        ge=1000,
        description="Bytes of events that the gateway holds for Kafka before it drops (counted).",
    )
    emit_linger_ms: float = Field(
        default=5.0,
        ge=0,
        description="Milliseconds that the gateway gathers events of one deployment into one record.",
    )
    acked_log: Path | None = Field(
        default=None,
        description="File to which the gateway appends the id of every event that Kafka acknowledged. For tests: "
        "it grows without a bound.",
    )
    max_request_bytes: int = Field(default=8_000_000, ge=1000, description="Largest body of a prediction request.")
    body_buffer_bytes: int = Field(
        default=512_000_000,
        ge=1_000_000,
        description="Bytes of all prediction requests' bodies under way together; one more gets 503 with Retry-After, "
        "unless it is alone.",
    )
    max_connections: int = Field(
        default=1_000,
        ge=16,
        description="Client connections of the gateway. One more ends those that have been idle for longest; where "
        "none is idle, those whose bodies come most slowly; else it gets 503.",
    )
    head_timeout_s: float = Field(
        default=15.0,
        gt=0,
        description="Seconds for a request's headers, from its first byte or from connecting.",
    )
    body_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="Seconds in which a request's body must bring 1 KB more, or end, and a client must take as much "
        "of its answer. Not a limit of the whole: pushes over slow lines may take hours.",
    )
    keep_alive_s: float = Field(
        default=75.0,
        gt=0,
        description="Seconds that a connection without a request is kept. More than the pools of clients and proxies "
        "keep theirs (60 as a rule), so that they never send into one that is being closed.",
    )
    max_instances: int = Field(default=10_000, ge=1, description="Most instances in one prediction request.")
