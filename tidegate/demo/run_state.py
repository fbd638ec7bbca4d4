"""Everything that the live view shows, gathered in one place while the demo runs."""

from dataclasses import dataclass, field
from enum import StrEnum

from stream.profiles.profile import Profile
from tidegate.demo.alerts import first_alert
from tidegate.demo.bare_psi import BarePsi
from tidegate.demo.findings import Delivery, Observation, SeriesDrift, telling
from tidegate.demo.tally import Tally
from tidegate.demo.traffic import Parcel, Stream


class Phase(StrEnum):
    QUIET = "held-out rows: nothing should fire"
    CHANGED = "rows after the real change"
    SETTLING = "all rows are sent: waiting for the alert and for every row to be stored"
    DONE = "done"


@dataclass
class RunState:
    """Written by the sender and the observer, read by the view."""

    model: str
    version: int
    profile: Profile
    rows_to_send: int
    bare: BarePsi
    tally: Tally = field(default_factory=Tally)
    phase: Phase = Phase.QUIET
    rows_sent: int = 0
    seen: Observation = field(default_factory=Observation)
    judged_quiet: set[str] = field(default_factory=set)
    deliveries: list[Delivery] = field(default_factory=list)
    trouble: str | None = None
    """Why ClickHouse could not be asked the last time."""

    def sent(self, parcel: Parcel) -> None:
        """A request has left."""
        self.rows_sent += len(parcel.rows)
        if parcel.stream is Stream.QUIET:
            self.bare.add(parcel.rows)
        else:
            self.phase = Phase.CHANGED

    def observed(self, seen: Observation) -> None:
        """ClickHouse was asked."""
        self.seen, self.trouble = seen, None
        began = self.tally.changed_at
        for one in seen.drift:
            if one.state != "insufficient_data" and (began is None or one.newest_event.timestamp() < began):
                self.judged_quiet.add(one.series)

    @property
    def alert(self) -> Delivery | None:
        """The first drift alert that rests on rows after the change."""
        return first_alert(self.deliveries, self.tally.changed_at)

    def series(self) -> list[tuple[str, str, SeriesDrift | None]]:
        """Each series, its role, and its most telling window; None where nothing was measured."""
        return [(one.key, one.role, telling(self.seen.drift, one.key)) for one in self.profile.features]
