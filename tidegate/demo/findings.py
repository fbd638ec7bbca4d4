"""What the demo saw of the stack: plain values, as the queries and the receiver gave them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

STATE_ORDER = ("insufficient_data", "quiet", "moderate", "drift")
WINDOW_ORDER = ("1m", "5m", "1h", "24h")


@dataclass(frozen=True)
class SeriesDrift:
    """The newest evaluation of one series in one window."""

    series: str
    role: str
    window: str
    rows: int
    psi: float
    noise_floor: float
    state: str
    evaluated: datetime
    newest_event: datetime


@dataclass(frozen=True)
class Firing:
    """When a series first was in state `drift` in one window."""

    series: str
    role: str
    window: str
    evaluated: datetime
    newest_event: datetime
    """The latest event that this evaluation knew."""


@dataclass(frozen=True)
class EventCounts:
    """Of one deployment, in ClickHouse."""

    events: int = 0
    distinct: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Observation:
    """One look at ClickHouse."""

    drift: tuple[SeriesDrift, ...] = ()
    firings: tuple[Firing, ...] = ()
    counts: EventCounts = EventCounts()


@dataclass(frozen=True)
class Delivery:
    """One alert as the receiver got it."""

    at: float
    """Seconds since the epoch."""
    headers: dict[str, str]
    body: Any

    @property
    def alert(self) -> dict[str, Any]:
        """The alert itself, without what the webhook wraps around it; empty where the body holds none."""
        data = self.body.get("data") if isinstance(self.body, dict) else None
        return data if isinstance(data, dict) else {}


@dataclass
class Findings:
    """All that the verdict rests on."""

    expected: tuple[str, ...]
    """Features that must fire after the change."""
    sent_rows: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    changed_at: datetime | None = None
    judged_quiet: set[str] = field(default_factory=set)
    """Features that were evaluated with enough rows before the change."""
    firings: tuple[Firing, ...] = ()
    counts: EventCounts = EventCounts()
    recount: str | None = "not done"
    """None when the histograms' counts equal a recount, else what differs."""
    first_alert: Delivery | None = None
    early_alerts: tuple[str, ...] = ()
    """Summaries of drift alerts that rest on held-out rows alone."""


def telling(drift: tuple[SeriesDrift, ...], series: str) -> SeriesDrift | None:
    """Of a series' windows the one in the gravest state; of these the shortest."""
    found = [one for one in drift if one.series == series]
    return max(found, key=_gravity, default=None)


def _gravity(one: SeriesDrift) -> tuple[int, int]:
    state = STATE_ORDER.index(one.state) if one.state in STATE_ORDER else 0
    window = WINDOW_ORDER.index(one.window) if one.window in WINDOW_ORDER else len(WINDOW_ORDER)
    return state, -window
