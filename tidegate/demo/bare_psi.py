"""How often a bare PSI > 0.2 would have fired on the same rows: what the decision rule is for. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from stream.histograms.binning import Binner
from stream.profiles.profile import Profile
from stream.statistics.psi import psi
from tidegate.demo.traffic import Row

WINDOW_ROWS = 100
THRESHOLD = 0.2


@dataclass
class BareAlarms:
    """Of one feature, over windows of WINDOW_ROWS rows that do not overlap."""

    windows: int = 0
    alarms: int = 0
    highest: float = 0.0


class BarePsi:
    """Takes rows as they are sent, and judges each full window on the profile's own buckets."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._binner = Binner(profile)
        self._waiting: list[Row] = []
        self.features = {series.name: BareAlarms() for series in profile.features if series.role == "feature"}

    @property
    def total(self) -> BareAlarms:
        """Over all features."""
        found = list(self.features.values())
        return BareAlarms(
            windows=sum(one.windows for one in found),
            alarms=sum(one.alarms for one in found),
            highest=max((one.highest for one in found), default=0.0),
        )

    def add(self, rows: Iterable[Row]) -> None:
        """Count rows; a last window that is not full is never judged."""
        self._waiting.extend(rows)
        while len(self._waiting) >= WINDOW_ROWS:
            self._judge(self._waiting[:WINDOW_ROWS])
            del self._waiting[:WINDOW_ROWS]

    def _judge(self, rows: list[Row]) -> None:
        histogram = self._binner.empty()
        self._binner.count(rows, [None] * len(rows), histogram)
        for series, place in self._profile.slices():
            if series.role == "feature":
                found = self.features[series.name]
                value = psi(series.to_buckets(histogram.counts[place]), series.bucket_counts)
                found.windows += 1
                found.alarms += value > THRESHOLD
                found.highest = max(found.highest, value)
