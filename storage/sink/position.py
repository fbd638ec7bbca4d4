"""Where reading goes on, and why each record lands once.

Every insert of a partition is one part of one table, so it lands whole or not at all, and carries the last Kafka offset
that it contains. The *position* of a partition is the highest of these plus one. It is read from the table itself, per
incarnation of the topic (`topic_id`: a topic that was deleted and made again starts anew). The group's committed offset
decides nothing while a table has a position.

An insert names the position that it goes on from in its deduplication token, and only who has just read that position
may do it. Of all inserts that go on from one position ClickHouse lets one land, however long each is. So the landed
ranges are a chain without gaps and overlaps, even where a sink that was thought dead still writes. After each insert
the position is read again: where it is not what the insert should have made it, somebody else's landed, and reading
goes on from there. ClickHouse compares tokens within a table partition, so that must follow from the position too: it
is the day of the first record after it (`_day`), not the day on which somebody inserts.

Records that cannot be landed (garbage) advance the position with the next insert after them. A partition that ends in
garbage is read again from before it on the next start: the garbage is counted again, and written to `dead.letters`
again under the same identity.
"""

from dataclasses import dataclass

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Claim:
    """The right to go on from a position: what the token of an insert is made of."""

    topic: str
    topic_id: str
    partition: int
    position: int | None
    """Of the table; None while it holds nothing of this partition."""
    day: int
    """Of the first record after the position, in days since the epoch: the table partition."""
    attempt: int = 0
    """Above 0 where a token was used up by an insert that never landed (the server was killed between the two)."""

    @property
    def token(self) -> str:
        start = "start" if self.position is None else str(self.position)
        retry = f"/{self.attempt}" if self.attempt else ""
        return f"{self.topic}/{self.topic_id}/{self.partition}/{start}{retry}"

    @property
    def query_prefix(self) -> str:
        """What the query ids of this partition's inserts begin with."""
        return f"tidegate-sink-{self.topic}-{self.topic_id}-{self.partition}-"


class PositionAheadError(Exception):
    """A table holds offsets that the topic does not have yet."""


def start_of_reading(topic: str, position: int | None, committed: int | None, low: int, high: int) -> int:
    """The first offset to read: the table's position, else the group's, else the topic's first.

    What the topic no longer has (retention) is skipped: reading starts at `low` then.

    Args:
        topic: for the message.
        position: of the table; None without one.
        committed: of the consumer group; None without one.
        low: the topic's first offset.
        high: the offset that its next record will get.

    Raises:
        PositionAheadError: the topic ends before the position, so records with known offsets were lost or replaced.
    """
    if position is not None:
        if position > high:
            raise PositionAheadError(
                f"ClickHouse holds {topic} up to offset {position - 1}, but the topic ends at {high}: the broker lost "
                "records. Delete the topic and run `tidegate topics`, then its new incarnation lands from its start"
            )
        return max(position, low)
    if committed is not None and low <= committed <= high:
        return committed
    return low


def day_of(timestamp_ms: int, now_ms: int) -> int:
    """Days since the epoch of a record's timestamp; one that cannot be true is bent to a month ago or tomorrow.

    A day, from which rows are kept for so long as the settings say, must not be decided by a client's wrong clock.
    """
    earliest, latest = now_ms - 30 * DAY_MS, now_ms + DAY_MS
    return min(max(timestamp_ms, earliest), latest) // DAY_MS
