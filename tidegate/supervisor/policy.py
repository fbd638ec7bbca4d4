"""When a process that ended is started again. Pure: time and chance come in as arguments."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class RestartPolicy:
    """Exponential back-off with jitter, forgotten after a stable time."""

    first_s: float = 0.15
    factor: float = 2.0
    longest_s: float = 15.0
    jitter: float = 0.2
    """Share of the delay that chance takes off or adds."""
    stable_s: float = 30.0
    """Seconds of running after which earlier failures no longer count."""
    failing_after: int = 4
    """Failures in a row after which it is reported as failing (and still tried again)."""


@dataclass(frozen=True)
class History:
    failures: int = 0
    """In a row."""
    restarts: int = 0
    """In all."""


def after_exit(policy: RestartPolicy, history: History, uptime_s: float) -> History:
    """The history after one more unwanted end, of a process that had run for `uptime_s`."""
    before = 0 if uptime_s >= policy.stable_s else history.failures
    return replace(history, failures=before + 1, restarts=history.restarts + 1)


def delay_s(policy: RestartPolicy, history: History, draw: float) -> float:
    """Seconds until the next start; `draw` is a random number of [0, 1)."""
    exponent = min(history.failures - 1, 60)  # a float holds no more
    plain = min(policy.first_s * policy.factor**exponent, policy.longest_s)
    return plain * (1 + policy.jitter * (2 * draw - 1))


def is_failing(policy: RestartPolicy, history: History) -> bool:
    return history.failures >= policy.failing_after
