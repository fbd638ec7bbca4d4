"""What was sent and answered so far, as the sender saw it. Pure: times come in."""

from collections import Counter, deque
from dataclasses import dataclass, field

from tidegate.demo.traffic import Stream

RECENT_S = 5.0
"""Rates and latencies of the live view are of the requests of the last seconds."""
OK = "200"


@dataclass(frozen=True)
class Pace:
    """Of the last RECENT_S seconds, or of the whole run."""

    requests_per_s: float
    rows_per_s: float
    p50_ms: float
    p99_ms: float


@dataclass
class Tally:
    """Counts requests and rows by outcome: the HTTP status, or the name of what went wrong without one."""

    rows: Counter[tuple[Stream, str]] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    changed_at: float | None = None
    """When the first row after the change was sent (seconds since the epoch)."""
    _answers: list[tuple[float, float, int]] = field(default_factory=list)
    _recent: deque[tuple[float, float, int]] = field(default_factory=deque)

    def sending(self, stream: Stream, now: float) -> None:
        """A request leaves; `now`: seconds since the epoch."""
        if stream is Stream.CHANGED and self.changed_at is None:
            self.changed_at = now

    def answered(self, stream: Stream, outcome: str, rows: int, now: float, seconds: float) -> None:
        """A request ended at `now` (any clock that only goes forward), `seconds` after it began."""
        self.requests[outcome] += 1
        self.rows[stream, outcome] += rows
        self._answers.append((now, seconds, rows))
        self._recent.append((now, seconds, rows))

    def served(self, stream: Stream | None = None) -> int:
        """Rows that got their 200, of one stream or of both."""
        return sum(n for (one, outcome), n in self.rows.items() if outcome == OK and stream in (None, one))

    def refused(self) -> dict[str, int]:
        """Requests that got no 200, by outcome."""
        return {outcome: n for outcome, n in self.requests.items() if outcome != OK}

    def pace(self, now: float) -> Pace:
        """Of the last RECENT_S seconds before `now`."""
        while self._recent and self._recent[0][0] < now - RECENT_S:
            self._recent.popleft()
        return _pace(list(self._recent), now)

    def overall(self) -> Pace:
        """Of the whole run."""
        return _pace(self._answers, self._answers[-1][0] if self._answers else 0.0)


def _pace(answers: list[tuple[float, float, int]], now: float) -> Pace:
    if not answers:
        return Pace(0.0, 0.0, 0.0, 0.0)
    seconds = max(now - answers[0][0], 0.5)
    times = sorted(taken for _, taken, _ in answers)
    rows = sum(count for _, _, count in answers)
    return Pace(len(answers) / seconds, rows / seconds, 1000 * _at(times, 0.50), 1000 * _at(times, 0.99))


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
