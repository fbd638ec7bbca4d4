"""One prediction call, from its first byte to its events. A call is a value: who learns more of it makes another."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from gateway.data_plane.masking import mask_features
from gateway.events import InferenceEvent
from gateway.prometheus import FEATURES_DROPPED
from gateway.refusals import Refusal
from gateway.routing.endpoints import Endpoint


class Predicted(NamedTuple):
    """What a runner answered."""

    predictions: Sequence[Any]
    model_ms: float
    batch_size: int
    """Rows that the runner predicted together, of all calls."""


class Call(msgspec.Struct, frozen=True):
    """What is known of a call so far."""

    received: datetime
    """UTC."""
    began: float
    """Seconds, monotonic."""
    request_id: str
    endpoint: Endpoint | None = None
    instances: Sequence[Any] = ()
    """Empty where the body could not be read."""
    predicted: Predicted | None = None
    """None where no runner answered."""
    status: int = 200
    error: str | None = None
    """The short code of a refusal."""
    latency_ms: float = 0.0

    def refused(self, refusal: Refusal) -> "Call":
        """The same, with what the caller is told instead of a prediction."""
        return msgspec.structs.replace(self, status=refusal.status, error=refusal.code)


def rows_of(call: Call) -> int:
    """How many events the call makes: one per instance, and one where no instance could be read."""
    return len(call.instances) or 1


def events_of(call: Call, endpoint: Endpoint, event_ids: Sequence[str]) -> Iterator[InferenceEvent]:
    """The call's events, their features masked; `event_ids` has rows_of(call) ids."""
    route = endpoint.route
    ts = call.received.isoformat(timespec="microseconds").replace("+00:00", "Z")
    instances = call.instances or (None,)
    predicted = call.predicted
    predictions = (predicted.predictions if predicted else ()) or [None] * len(instances)
    rows = zip(event_ids, instances, predictions, strict=True)
    for row, (event_id, instance, prediction) in enumerate(rows):
        yield InferenceEvent(
            event_id=event_id,
            request_id=call.request_id,
            row=row,
            ts=ts,
            workspace=route.workspace,
            model=route.model,
            version=route.version,
            deployment_id=route.deployment_id,
            role=route.role,
            status=call.status,
            error=call.error,
            latency_ms=call.latency_ms,
            model_ms=predicted.model_ms if predicted else None,
            batch_size=predicted.batch_size if predicted else 0,
            features=_features(instance, endpoint),
            prediction=prediction,
            key_id=None,
        )


def _features(instance: Any, endpoint: Endpoint) -> dict[str, Any] | None:
    if not endpoint.masked:
        return instance if type(instance) is dict else None
    if instance is None:
        return None
    try:
        return mask_features(instance, endpoint.masked, endpoint.known)
    except Exception:  # whatever it was: what cannot be masked does not leave
        FEATURES_DROPPED.labels("mask_failed").inc()
        return None
