"""A broker that forgot: the embedded one keeps topics in memory, so a restart leaves it neither records nor producers.

An idempotent producer then tries for ever to go on with a sequence that nobody remembers (measured: every record is
refused with UNKNOWN_PRODUCER_ID, the epoch is bumped, and again). It must be replaced, but only when the log is proven
to be lost: where a broker is merely slow, sending again through another producer would count events twice.
"""

import time

from stream.broker.end_offsets import EndOffsets
from stream.broker.incarnations import IncarnationError, Incarnations

_TIMEOUT_S = 2.0


class TopicLog:
    """The log that one producer writes to. Blocks while it asks: used by the producer's own thread."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._incarnations = Incarnations(bootstrap, [topic])
        self._ends = EndOffsets(bootstrap)
        self._topic_id: str | None = None
        """The first incarnation that the present producer met; None before."""

    def meet(self) -> None:
        """Note which incarnation there is, where none is noted yet and a broker answers."""
        if self._topic_id is None:
            self._topic_id = self._current()

    def forget(self) -> None:
        """Another producer begins."""
        self._topic_id = None

    def is_lost(self, partitions: int, *, acked: bool) -> bool:
        """Whether what this producer wrote is gone: False where nobody can say.

        Args:
            partitions: how many the topic has.
            acked: whether any record of this producer was acknowledged.
        """
        topic_id = self._current()
        if topic_id is None:
            return False
        if self._topic_id is not None and topic_id != self._topic_id:
            return True
        return not acked and self._is_empty(partitions)

    def _is_empty(self, partitions: int) -> bool:
        """Then nothing of it was written, though its broker may have been another one before the topic was met."""
        keys = [(self._topic, number) for number in range(partitions)]
        ends = self._ends.ask(keys, _TIMEOUT_S)
        return bool(ends) and len(ends) == partitions and not any(ends.values())

    def _current(self) -> str | None:
        try:
            return self._incarnations.current(self._topic, time.monotonic())
        except IncarnationError:
            return None
