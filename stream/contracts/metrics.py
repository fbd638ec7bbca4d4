"""The contracts of `drift.metrics` and `service.metrics`: a record is one evaluation, a metric a line."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from stream.contracts import sealed

RECORD_BYTES = 900_000
"""Of the metrics in one record: an evaluation of 3,000 series in four windows is 16 MB."""


class MovedBucket(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket that explains a PSI."""

    label: str
    reference: float
    """Share of the reference, 0..1."""
    window: float
    """Share of the window, 0..1."""
    psi: float
    """Its term of the sum."""


class DriftMetric(sealed.Message, frozen=True, kw_only=True):
    """One series in one window at one evaluation."""

    ts: str
    """When it was evaluated."""
    workspace: str
    model: str
    version: int
    deployment_id: str
    profile_id: str
    reference: str
    """What the window was compared with: `reference` (all of the model's own data), `hour_of_day` (its rows of the
    hours that the window's events are in) or `first_events`."""
    series: str
    """A feature's name, `prediction` or `prediction.<key>`."""
    role: str
    """`feature` or `prediction`."""
    window: str
    """`1m`, `5m`, `1h` or `24h`."""
    window_start: str
    window_end: str
    newest_ts: str
    """The latest event time in the window."""
    n: int
    n_eff: float
    psi: float
    psi_noise: float
    """The noise floor: what 95 % of quiet windows of this size stay below."""
    kl: float
    kl_reverse: float
    js: float
    hellinger: float
    chi2: float
    chi2_p: float
    g: float
    g_p: float
    df: int
    ks: float | None
    """None for a categorical series, as the three below."""
    ks_p: float | None
    w1: float | None
    w1_sigma: float | None
    mean: float | None
    reference_mean: float | None
    missing_rate: float
    missing_delta: float
    unseen_rate: float
    out_of_range_rate: float
    state: str
    """`insufficient_data`, `quiet`, `moderate` or `drift`."""
    channels: list[str]
    """Which tests hold it in `drift`: `psi`, `small_but_certain`, `missing`, `unseen`, `out_of_range`."""
    since: str | None
    """When `state` began."""
    alpha: float
    """The significance that it had to reach."""
    moved: list[MovedBucket]
    """The buckets that moved most, the largest term first."""
    deployment_role: str = "primary"
    """`primary`, `canary`, `shadow` or `preview`: what it was when it was evaluated."""
    reference_rows: int = 0
    """Rows of the whole reference; learned from wide or long rows it has fewer than `baseline_rows` asked for."""


class ServiceMetric(sealed.Message, frozen=True, kw_only=True):
    """Traffic, errors and latency of one deployment in one window at one evaluation."""

    ts: str
    workspace: str
    model: str
    version: int
    deployment_id: str
    window: str
    window_start: str
    window_end: str
    newest_ts: str
    events: int
    requests: int
    failed: int
    """Instances with a status of 400 or more, `refused` among them."""
    rate: float
    """Instances a second."""
    error_rate: float
    """0..1: of the instances that were not refused, those that failed (5xx). The model's, or the installation's."""
    latency_mean_ms: float
    latency_p50_ms: float
    latency_p95_ms: float
    latency_p99_ms: float
    baseline_p95_ms: float | None
    """p95 of the deployment's first requests; None until they were seen."""
    deployment_role: str = "primary"
    """`primary`, `canary`, `shadow` or `preview`: what it was when it was evaluated."""
    memory: str | None = None
    """What the evaluation remembers for the next one (stream/windows/memory.py), as JSON; in the last metric of
    each."""
    refused: int = 0
    """Instances that were answered with 4xx: mistakes of callers."""
    refused_requests: int = 0
    """Requests that were. Latencies are of the others."""
    client_error_rate: float = 0.0
    """0..1: of the requests those that were refused. Not of instances: one mistake refuses all that a request has."""

    @property
    def asked(self) -> int:
        """Instances that the model was to predict."""
        return self.events - self.refused

    @property
    def unanswered(self) -> int:
        """Those of them that failed."""
        return self.failed - self.refused


Metrics = TypeVar("Metrics", DriftMetric, ServiceMetric)


def in_role(metrics: Iterable[Metrics], role: str) -> list[Metrics]:
    """The same, of a deployment in this role."""
    return [msgspec.structs.replace(metric, deployment_role=role) for metric in metrics]


_drift = msgspec.json.Decoder(DriftMetric)
_service = msgspec.json.Decoder(ServiceMetric)


def encode_lines(metrics: Iterable[DriftMetric] | Iterable[ServiceMetric]) -> bytes:
    return b"\n".join(map(sealed.encode, metrics))


def encode_records(metrics: Iterable[DriftMetric]) -> list[bytes]:
    """The same lines, in records of at most RECORD_BYTES; a longer line is a record of its own."""
    records: list[bytes] = []
    lines: list[bytes] = []
    size = 0
    for line in map(sealed.encode, metrics):
        if lines and size + len(line) >= RECORD_BYTES:
            records.append(b"\n".join(lines))
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
    return [*records, b"\n".join(lines)] if lines else records


def decode_drift(value: bytes) -> list[DriftMetric]:
    """Raises one of `stream.contracts.decode_errors.UNREADABLE` where the bytes are no metrics."""
    return sealed.decode_lines(value, _drift)


def decode_service(value: bytes) -> list[ServiceMetric]:
    """Raises one of `stream.contracts.decode_errors.UNREADABLE` where the bytes are no metrics."""
    return sealed.decode_lines(value, _service)
