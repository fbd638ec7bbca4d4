"""Which records are read with care, one by one, because something failed among them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stream.intake.events import Record

Place = tuple[str, int]
"""(topic, partition)"""


@dataclass(slots=True)
class Doubts:
    """Of one worker. A record that fails again where it is read alone is the one at fault, and is set aside."""

    _until: dict[Place, int] = field(default_factory=dict)

    def note(self, place: Place, last_offset: int) -> None:
        """A step failed with records up to and with `last_offset`."""
        self._until[place] = max(last_offset, self._until.get(place, -1))

    def split(self, place: Place, records: Sequence[Record]) -> Iterator[tuple[list[Record], bool]]:
        """The records in order: those in doubt each alone (True), all others together (False)."""
        until = self._until.get(place, -1)
        doubted = [record for record in records if record.offset <= until]
        for record in doubted:
            yield [record], True
        others = list(records[len(doubted) :])
        if others:
            self._until.pop(place, None)
            yield others, False
