"""The windows that are watched, and the slots of which they are made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """A sliding window of event time, made of slots."""

    name: str
    seconds: int
    slot_seconds: int
    """Its slots: coarse enough that a window has at most 144 of them."""


WINDOWS: tuple[Window, ...] = (
    Window("1m", 60, 10),
    Window("5m", 300, 10),
    Window("1h", 3_600, 60),
    Window("24h", 86_400, 600),
)

SLOT_KEPT_SECONDS: dict[int, int] = {
    size: max(w.seconds for w in WINDOWS if w.slot_seconds == size) + 2 * size
    for size in sorted({w.slot_seconds for w in WINDOWS})
}
"""Slot length to how long a slot is kept after its start: the longest window that it is part of, and a margin."""


def slot_start(second: int, slot_seconds: int) -> int:
    """Start of the slot that holds a second of event time."""
    return second - second % slot_seconds
