"""How panes are named in a query: one number a pane, or a stretch of them where there are many. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from stream.contracts.panes import PANE_SECONDS
from stream.rebuilding.history import PaneStart
from stream.windows.window import SLOT_KEPT_SECONDS

MANY = 1000
"""Numbers in a query's parameters, which travel in its URL: 20 kB."""
COARSE = max(SLOT_KEPT_SECONDS)


@dataclass(frozen=True)
class PaneKeys:
    """Panes of the deployments of one query."""

    grain: int
    """Seconds of event time that one key stands for."""
    keys: list[int]


def pane_keys(ids: Sequence[str], panes: Collection[PaneStart]) -> PaneKeys:
    """A key is the number of the deployment in `ids`, from 1, times 2**32, and the time.

    Where there are many panes each key stands for all panes of 10 minutes, a slot of the longest window: what is true
    of a pane (count it again) does no harm to its neighbours.
    """
    wanted = [pane for pane in panes if pane.deployment_id in ids]
    grain = PANE_SECONDS if len(wanted) <= MANY else COARSE
    number = {deployment_id: index for index, deployment_id in enumerate(ids, 1)}
    keys = {(number[pane.deployment_id] << 32) + pane.start // grain * grain for pane in wanted}
    return PaneKeys(grain, sorted(keys))
