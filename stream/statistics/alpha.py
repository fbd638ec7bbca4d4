"""The significance that an alarm must reach, from a budget of false alarms."""

from collections.abc import Sequence

LOOKS_PER_WINDOW = 8
"""Independent looks that evaluating a sliding window amounts to while it moves by its own length (measured)."""
DAY = 86_400.0


def alpha_star(
    features: int,
    windows: Sequence[float],
    step: float,
    budget: float = 1.0,
    horizon: float = 30 * DAY,
) -> float:
    """budget / (F * sum over windows of min(8 T / W, T / step)).

    `features`: series watched in one model; `windows`: their lengths in seconds; `step`: seconds between
    evaluations; `budget`: false alarms per model that are tolerated in `horizon` seconds. A Bonferroni
    bound: it holds however the series depend on each other.

    Raises:
        ValueError: when an argument is not positive, or there is no window.

    >>> alpha_star(50, (60, 300, 3600, 86400), 5)
    4.753755466818787e-08
    """
    if features < 1 or not windows or min(windows) <= 0 or min(step, budget, horizon) <= 0:
        raise ValueError("alpha_star needs at least one series and window, and positive times and budget")
    looks = sum(min(LOOKS_PER_WINDOW * horizon / window, horizon / step) for window in windows)
    return budget / (features * looks)
