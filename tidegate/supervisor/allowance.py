"""How much a process may say. Pure: the clock comes in as an argument."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """Of a log."""

    burst_bytes: int
    """At once."""
    bytes_per_s: int
    """For as long as it likes."""


OUR_OWN = Allowance(8_000_000, 1_000_000)
A_MODELS = Allowance(1_000_000, 64_000)
"""Hundreds of lines a second: who reads more?"""


class Meter:
    """A token bucket that counts what did not fit."""

    def __init__(self, allowance: Allowance, now: float) -> None:
        """`now`: seconds, monotonic, here and below."""
        self.dropped = 0
        """Bytes, since `told`."""
        self._allowance = allowance
        self._left = float(allowance.burst_bytes)
        self._seen = now

    def take(self, data: bytes, now: float) -> bytes:
        """What of it may be written: whole lines as far as there is room, all of it or a part. The rest is counted."""
        allowance = self._allowance
        self._left = min(allowance.burst_bytes, self._left + max(0.0, now - self._seen) * allowance.bytes_per_s)
        self._seen = now
        allowed = data if len(data) <= self._left else data[: data.rfind(b"\n", 0, int(self._left)) + 1]
        self._left -= len(allowed)
        self.dropped += len(data) - len(allowed)
        return allowed

    def told(self) -> str:
        """A line that says what was dropped, of which nothing is left to be said then; empty where nothing was."""
        if not self.dropped:
            return ""
        dropped, self.dropped = self.dropped, 0
        most = f"{self._allowance.bytes_per_s // 1000} kB a second"
        return f"tidegate: {dropped} bytes of this log were dropped: more than {most}, or the disk did not take it\n"
