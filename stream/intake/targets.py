"""What a live deployment's events are counted against."""

from typing import NamedTuple

from stream.contracts.identity import Identity
from stream.histograms.binning import Binner


class Target(NamedTuple):
    """One deployment as the counters see it."""

    identity: Identity
    profile_id: str | None
    """None while its reference is being learned from its first events."""
    binner: Binner | None
    size: int
    """Bins of the profile's flat layout; 0 without one."""
    baseline_rows: int
