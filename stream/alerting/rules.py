"""The rules, as data: what makes an alert fire and what resolves it."""

from dataclasses import dataclass
from typing import Literal

ALERTING_ROLES = ("primary", "canary")
"""Alerts are about what callers get: nobody gets the answers of a shadow, and a preview is looked at by who pushed it.
Both are measured like any other deployment."""

Source = Literal["drift", "service"]
Operator = Literal[">", ">=", "<", "<=", "==", "!="]


@dataclass(frozen=True)
class Condition:
    """`field operator value`, or `field operator factor * other + value`. A field that is None holds no condition."""

    field: str
    operator: Operator
    value: float | str = 0.0
    other: str | None = None
    """Another field of the same metric to compare with."""
    factor: float = 1.0


@dataclass(frozen=True)
class Rule:
    """An alert per deployment (and series, where the source is drift) while its conditions hold in a window."""

    name: str
    source: Source
    severity: Literal["warning", "critical"]
    windows: tuple[str, ...]
    """The windows that it looks at."""
    fire: tuple[Condition, ...]
    """All must hold."""
    resolve: tuple[Condition, ...]
    """All must hold, in every window that it looks at and for `resolve_after_s`. Apart from `fire`: no flapping."""
    value: str
    """The field that the alert quotes."""
    threshold: float
    """What is quoted beside it."""
    resolve_after_s: float = 0.0
    certainty: float | None = None
    """Where given: `hits` of `trials` must exceed the threshold with a binomial p-value of at most this."""
    hits: str = ""
    trials: str = ""


SEED_RULES: tuple[Rule, ...] = (
    Rule(
        name="significant-drift",
        source="drift",
        severity="warning",
        windows=("1m", "5m", "1h", "24h"),
        fire=(Condition("state", "==", "drift"),),
        resolve=(Condition("state", "!=", "drift"),),
        value="psi",
        threshold=0.2,
    ),
    Rule(
        name="error-rate",
        source="service",
        severity="critical",
        windows=("1m",),
        fire=(Condition("error_rate", ">", 0.05), Condition("asked", ">=", 20)),
        resolve=(Condition("error_rate", "<=", 0.025),),
        value="error_rate",
        threshold=0.05,
        resolve_after_s=60.0,
        certainty=1e-4,
        hits="unanswered",
        trials="asked",
    ),
    Rule(
        name="client-error-rate",
        source="service",
        severity="warning",
        windows=("1m",),
        fire=(Condition("client_error_rate", ">", 0.10), Condition("requests", ">=", 20)),
        resolve=(Condition("client_error_rate", "<=", 0.05),),
        value="client_error_rate",
        threshold=0.10,
        resolve_after_s=60.0,
        certainty=1e-4,
        hits="refused_requests",
        trials="requests",
    ),
    Rule(
        name="latency",
        source="service",
        severity="warning",
        windows=("1m",),
        fire=(
            Condition("latency_p95_ms", ">", 20.0, other="baseline_p95_ms", factor=2.0),
            Condition("requests", ">=", 100, other="refused_requests"),
        ),
        resolve=(Condition("latency_p95_ms", "<=", 10.0, other="baseline_p95_ms", factor=1.5),),
        value="latency_p95_ms",
        threshold=2.0,
        resolve_after_s=60.0,
    ),
)
"""`client-error-rate` is a warning, from twice the share: callers make mistakes, and whoever runs the model cannot mend
them. `latency` leaves 20 ms on top of twice the baseline: a p95 of 2 ms that becomes 5 ms is no news to anybody."""
