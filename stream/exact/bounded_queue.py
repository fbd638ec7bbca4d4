"""Faust's queue between consumer and agent, bounded by bytes too: it counts records, and a record may be large."""

from collections.abc import Callable
from typing import Any

from mode.utils.queues import ThrowableQueue

HIGH, DROP = 0.8, 0.4
"""Shares of the bound at which a partition is fetched no further, and again."""


class ByteBoundedQueue(ThrowableQueue):  # type: ignore[type-arg]
    """Of Faust events. Takes one record beyond `max_bytes` at the most, and any one record when it is empty."""

    def __init__(self, maxsize: int, *, max_bytes: int, **kwargs: Any) -> None:
        self.bytes = 0
        self._max_bytes = max_bytes
        super().__init__(maxsize, **kwargs)

    def full(self) -> bool:
        return super().full() or self.bytes >= self._max_bytes

    def clear(self) -> None:
        super().clear()
        self.bytes = 0

    def in_pressure_high_state(self, callback: Callable[[], None]) -> bool:
        pending = self._pending_pressure_drop_callbacks
        if callback in pending:
            return False
        if self.qsize() < self.pressure_high_size and self.bytes < HIGH * self._max_bytes:
            return False
        pending.add(callback)
        self.on_pressure_high()
        return True

    def maybe_endorse_pressure_drop(self) -> None:
        if self.bytes <= DROP * self._max_bytes:
            super().maybe_endorse_pressure_drop()

    def _put(self, item: Any) -> None:
        self.bytes += _size(item)
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self.bytes -= _size(item)
        return item


def _size(event: Any) -> int:
    return len(event.message.value or b"")
