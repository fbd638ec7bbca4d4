"""The contract of `inference.events`: one JSON object per predicted instance, newline-delimited, 1..N a record."""

from collections.abc import Iterable
from typing import Any

import msgspec

SCHEMA_VERSION = 1
HEADER_SCHEMA = "tidegate-schema"
HEADER_DEPLOYMENT = "tidegate-deployment"
HEADER_COUNT = "tidegate-count"


class InferenceEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of one deployment for one instance, and what it answered.

    Fields that a reader does not know are ignored by it; they stay in the bytes of the topic.
    """

    event_id: str
    """UUIDv7, unique per instance."""
    request_id: str
    """Shared by all instances of one HTTP request."""
    row: int
    """Index of the instance within its request, from 0."""
    ts: str
    """When the gateway received the request: RFC 3339, microseconds, UTC (`2026-01-31T12:00:00.123456Z`)."""
    workspace: str
    model: str
    version: int
    deployment_id: str
    role: str
    """`primary`, `canary`, `shadow` (a copy: nobody got the answer) or `preview`."""
    status: int
    """The HTTP status that the caller got; of a shadow, the one that a caller would have got."""
    error: str | None
    """None, or a short code such as `invalid_features` or `runner_failed`."""
    latency_ms: float
    """The whole request in the gateway; of a shadow, from its sending to its answer."""
    model_ms: float | None
    """The model's share of it; None when no model ran."""
    batch_size: int
    """Instances that the model predicted together with this one; 0 when no model ran."""
    features: dict[str, Any] | None
    """By name, as received; None when they could not be read (or masked)."""
    prediction: Any
    key_id: str | None
    """The API key that asked; None without one."""


_encoder = msgspec.json.Encoder()


def encode_record(events: Iterable[InferenceEvent]) -> bytes:
    """The value of one Kafka record: the events as newline-delimited JSON, without a trailing newline."""
    return b"\n".join(map(_encoder.encode, events))


def record_headers(deployment_id: str, count: int) -> list[tuple[str, bytes]]:
    """Headers by which a reader can route a record of one deployment without parsing it."""
    return [
        (HEADER_SCHEMA, str(SCHEMA_VERSION).encode()),
        (HEADER_DEPLOYMENT, deployment_id.encode()),
        (HEADER_COUNT, str(count).encode()),
    ]
