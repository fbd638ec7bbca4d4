"""What a counter sends."""

from stream.contracts.panes import Pane
from stream.panes.partition_counter import PartitionCounter


def take_changed(counter: PartitionCounter) -> list[Pane]:
    """What has to be sent, as the agent takes it: it counts as sent from now on."""
    changed = counter.changed()
    counter.count_as_sent()
    return changed
