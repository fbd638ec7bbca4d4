"""The windows that an agent owns: those of one partition, and what it reads for them."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from stream.contracts import panes
from stream.contracts.dead_letters import Reason, reason_of
from stream.contracts.decode_errors import UNREADABLE
from stream.contracts.panes import Pane
from stream.exact.agent import Owner
from stream.intake.events import Record, Reject
from stream.windows.partition_windows import PartitionWindows


@dataclass
class ReadPanes:
    """What records of `feature.panes` hold."""

    items: list[tuple[Record, Pane | Reject]]
    ended: Container[str] = ()
    """Those of their deployments that ended."""

    @property
    def panes(self) -> list[Pane]:
        return [pane for _, pane in self.items if isinstance(pane, Pane)]


@dataclass(eq=False, kw_only=True)
class WindowsOwner(Owner):
    """The windows of one partition of `feature.panes`."""

    windows: PartitionWindows
    written: int = -1
    """The next offset of the state that was written last."""
    failing: set[str] = field(default_factory=set)
    """Deployments whose evaluation failed, and was told of."""

    def next_offset(self, _topic: str) -> int:
        return self.windows.next_offset

    def skip(self, _topic: str, offset: int) -> None:
        self.windows.next_offset = offset + 1

    def check(self) -> None:
        for state in self.windows.deployments.values():
            if state.windows.changed:
                state.windows.pack()

    def mend(self) -> Iterator[tuple[str, Exception]]:
        for deployment_id, state in list(self.windows.deployments.items()):
            try:
                state.windows.pack()
                msgspec.msgpack.encode(state.evaluation_memory)
                for key in state.windows.slots:
                    state.windows.pack_slot(key)
            except Exception as error:  # whatever it is
                self.windows.forget(deployment_id)
                yield deployment_id, error


class RebuiltWindows(Protocol):
    """Windows of partitions that have none, from whoever read them from the past (stream/rebuilding/rebuilder.py)."""

    panes_id: bytes
    """The incarnation of `feature.panes`."""

    @property
    def knows_judgements(self) -> bool:
        """Somebody can say what the last evaluations left."""

    def windows(self, partition: int) -> PartitionWindows:
        """The state of a partition of `feature.panes`, whatever it is from."""

    def written(self, partition: int) -> None:
        """The windows of a partition stand in the changelog now."""

    def passed(self, windows: PartitionWindows, topic_id: str) -> bool:
        """Whether a pane of this topic is in a rebuilt state already."""


def decoded(record: Record) -> Pane | Reject:
    try:
        return panes.decode(record.value)
    except UNREADABLE as error:
        return Reject(record.offset, -1, reason_of(error, Reason.WRONG_TYPE), str(error), record.value)
