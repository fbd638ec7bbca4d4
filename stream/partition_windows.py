"""All deployments of one partition of `feature.panes`, and how they are kept in the changelog: one key a slot. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from stream.deployment_windows import DeploymentWindows, SlotKey
from stream.evaluation import Judgement
from stream.open_pane import Identity
from stream.panes import Pane

POSITION = "position"
"""Key of the offset that everything before it is in; written last, so that it never promises too much."""


class PackedPosition(msgspec.Struct, frozen=True, array_like=True):
    """Where to read on."""

    next_offset: int
    gaps: int
    rebuilt_for: str = ""


class PackedDeployment(msgspec.Struct, frozen=True, array_like=True):
    """One deployment without its slots."""

    windows: bytes
    judgement: Judgement


@dataclass(slots=True)
class DeploymentState:
    """What is kept of one deployment."""

    windows: DeploymentWindows
    judgement: Judgement = field(default_factory=Judgement)
    to_evaluate: bool = True
    rests_until: float = 0.0
    """No evaluation before (monotonic clock)."""


@dataclass(slots=True)
class PartitionWindows:
    """Mutable; pure but for that."""

    next_offset: int = 0
    gaps: int = 0
    deployments: dict[str, DeploymentState] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    """Names in the changelog of deployments that were forgotten since it was written."""
    rebuilt_for: str = ""
    """Incarnation of `inference.events` whose panes go on where a rebuilt state ends; empty where none was rebuilt."""

    def apply(self, pane: Pane, offset: int, size: int) -> None:
        """Take in the pane read at `offset`. `size`: bins of its profile, 0 where that is not known."""
        state = self.deployments.get(pane.deployment_id)
        if state is None:
            identity = Identity(pane.workspace, pane.model, pane.version, pane.deployment_id)
            state = self.deployments[pane.deployment_id] = DeploymentState(DeploymentWindows(identity))
        if state.windows.apply(pane, offset, size):
            state.to_evaluate = True

    def forget(self, deployment_id: str) -> None:
        """Keep nothing of a deployment, neither here nor in the changelog."""
        state = self.deployments.pop(deployment_id, None)
        if state is not None:
            slots = state.windows.slots.keys() | state.windows.gone_slots
            # The deployment last: as long as it is there its slots are found again.
            self.gone += [*(_slot_name(deployment_id, key) for key in sorted(slots)), f"deployment|{deployment_id}"]

    def changes(self) -> Iterator[tuple[str, bytes | None]]:
        """Names and values to write, None to delete; they count as written from now on.

        The order matters: slots, then the deployment whose marks rest on them, then the position that rests on all.
        """
        for name in self.gone:
            yield name, None
        self.gone.clear()
        for deployment_id, state in self.deployments.items():
            windows = state.windows
            windows.evict()
            for key in windows.gone_slots:
                yield _slot_name(deployment_id, key), None
            for key in windows.changed_slots:
                yield _slot_name(deployment_id, key), windows.pack_slot(key)
            windows.gone_slots.clear()
            windows.changed_slots.clear()
            if windows.changed:
                packed = PackedDeployment(windows.pack(), state.judgement)
                yield f"deployment|{deployment_id}", msgspec.msgpack.encode(packed)
                windows.changed = False
        yield POSITION, msgspec.msgpack.encode(PackedPosition(self.next_offset, self.gaps, self.rebuilt_for))

    @classmethod
    def restore(cls, values: Mapping[str, bytes]) -> "PartitionWindows":
        """From the changelog's values by name. A slot whose deployment was not written yet will be counted again."""
        partition = cls(gone=[name for name, value in values.items() if not value])
        values = {name: value for name, value in values.items() if value}
        if POSITION in values:
            position = msgspec.msgpack.decode(values[POSITION], type=PackedPosition)
            partition.next_offset, partition.gaps = position.next_offset, position.gaps
            partition.rebuilt_for = position.rebuilt_for
        for name, value in values.items():
            kind, _, deployment_id = name.partition("|")
            if kind == "deployment":
                packed = msgspec.msgpack.decode(value, type=PackedDeployment)
                windows = DeploymentWindows.unpack(packed.windows)
                windows.changed = False
                partition.deployments[deployment_id] = DeploymentState(windows, packed.judgement)
        partition._restore_slots(values)
        return partition

    def _restore_slots(self, values: Mapping[str, bytes]) -> None:
        for name, value in values.items():
            kind, _, rest = name.partition("|")
            if kind == "slot":
                seconds, start, deployment_id = rest.split("|", 2)
                state = self.deployments.get(deployment_id)
                if state is None:
                    self.gone.append(name)  # it may have ended since, and nobody would remove it
                else:
                    state.windows.unpack_slot((int(seconds), int(start)), value)


def _slot_name(deployment_id: str, key: SlotKey) -> str:
    return f"slot|{key[0]}|{key[1]}|{deployment_id}"
