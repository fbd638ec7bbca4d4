"""Whether a partition was read as far as it reached when a drain began. Pure: offsets and seconds come in."""

from dataclasses import dataclass

QUIET_S = 0.5
"""What stands in a topic comes at once: where nothing came for so long, nothing more is there."""


@dataclass(slots=True)
class DrainGoal:
    """Of one partition.

    The embedded broker's end offsets leave out all but the first record of the last batch. So the end that was found
    first is not enough: either nothing comes any more, or a later end shows where that batch ended. Who goes on
    producing meanwhile is not waited for.
    """

    first_end: int
    """End offset of the partition when the drain began."""
    later_end: int | None = None
    """The first one that was found beyond it."""

    def reached(self, next_offset: int, end: int, silent_s: float) -> bool:
        """Whether all of it was taken.

        Args:
            next_offset: the offset that is taken next.
            end: the partition's end offset as it is now.
            silent_s: seconds since the last record of the partition was taken.
        """
        if self.later_end is None and end > self.first_end:
            self.later_end = end
        if self.later_end is not None and next_offset >= self.later_end:
            return True
        return next_offset >= self.first_end and silent_s >= QUIET_S
