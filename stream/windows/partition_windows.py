"""All deployments of one partition of `feature.panes`, and how they are kept in the changelog: one key a slot. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from stream.contracts.identity import Identity
from stream.contracts.panes import Pane
from stream.exact.changelog import DETAIL_CHARS, Damage
from stream.windows.deployment_windows import DeploymentWindows, SlotKey
from stream.windows.evaluation import EvaluationMemory

POSITION = "position"
"""Key of the offset that everything before it is in; written last, so that it never promises too much."""
_SLOT = re.compile(r"slot\|(\d+)\|(\d+)\|(.*)", re.DOTALL)


class PackedPosition(msgspec.Struct, frozen=True, array_like=True):
    """Where to read on."""

    next_offset: int
    unused: int
    """0. It counted gaps, which the metric of the inputs tells."""
    rebuilt_for: str = ""


class PackedDeployment(msgspec.Struct, frozen=True, array_like=True):
    """One deployment without its slots."""

    windows: bytes
    evaluation_memory: EvaluationMemory


@dataclass(slots=True)
class DeploymentState:
    """What is kept of one deployment."""

    windows: DeploymentWindows
    evaluation_memory: EvaluationMemory = field(default_factory=EvaluationMemory)
    to_evaluate: bool = True
    rests_until: float = 0.0
    """No evaluation before (monotonic clock)."""


@dataclass(slots=True)
class PartitionWindows:
    """Mutable; pure but for that."""

    next_offset: int = 0
    deployments: dict[str, DeploymentState] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    """Names in the changelog of deployments that were forgotten since it was written."""
    rebuilt_for: str = ""
    """Incarnation of `inference.events` whose panes go on where a rebuilt state ends; empty where none was rebuilt."""
    positioned: bool = False
    """The changelog says where to read on."""
    healing: set[str] = field(default_factory=set)
    """Deployments whose state is made again from the panes before `heals_until`; all others have these in already."""
    heals_until: int = 0
    all_heal: bool = False
    """Also those that nothing is known of: it is not known what is damaged."""
    damage: list[Damage] = field(default_factory=list)
    """Of the values that it was restored from."""
    stale: set[str] = field(default_factory=set)
    """Names in the changelog of what is made again: those that are not written then are removed, after the position."""
    remembered: dict[str, EvaluationMemory] = field(default_factory=dict)
    """What the last evaluation of the deployments in `healing` left, where somebody knows it."""

    def is_lost(self, deployment_id: str) -> bool:
        """Its state is to be made again."""
        return self.all_heal or deployment_id in self.healing

    def go_on_from(self, past: "PartitionWindows") -> None:
        """Begin what is made again with what was known before its topics; without a position, anew."""
        if not self.positioned:
            self.deployments.clear()  # what a kill left of a first writing
        self.rebuilt_for = self.rebuilt_for or past.rebuilt_for
        self.deployments |= past.deployments
        self.remembered |= past.remembered

    @property
    def heals(self) -> bool:
        """Something of it is not whole yet: it must neither be evaluated nor written."""
        return self.next_offset < self.heals_until

    def apply(self, pane: Pane, offset: int, size: int) -> None:
        """Take in the pane read at `offset`. `size`: bins of its profile, 0 where that is not known."""
        if offset < self.heals_until and not self.is_lost(pane.deployment_id):
            return
        state = self.deployments.get(pane.deployment_id)
        if state is None:
            identity = Identity(pane.workspace, pane.model, pane.version, pane.deployment_id)
            evaluation_memory = self.remembered.pop(pane.deployment_id, None) or EvaluationMemory()
            state = self.deployments[pane.deployment_id] = DeploymentState(
                DeploymentWindows(identity), evaluation_memory
            )
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
        """Names and values to write, None to delete; they count as written from now on."""
        written = set()
        for name, value in self._changes():
            written.add(name)
            yield name, value
        for name in sorted(self.stale - written):
            yield name, None
        self.stale.clear()

    def _changes(self) -> Iterator[tuple[str, bytes | None]]:
        """In this order: slots, then the deployment whose marks rest on them, then the position that rests on all."""
        for name in self.gone:
            yield name, None
        self.gone.clear()
        for deployment_id, state in self.deployments.items():
            windows = state.windows
            windows.evict()
            for key in windows.gone_slots - windows.slots.keys():
                yield _slot_name(deployment_id, key), None
            for key in windows.changed_slots:
                yield _slot_name(deployment_id, key), windows.pack_slot(key)
            windows.gone_slots.clear()
            windows.changed_slots.clear()
            if windows.changed:
                packed = PackedDeployment(windows.pack(), state.evaluation_memory)
                yield f"deployment|{deployment_id}", msgspec.msgpack.encode(packed)
                windows.changed = False
        yield POSITION, msgspec.msgpack.encode(PackedPosition(self.next_offset, 0, self.rebuilt_for))

    @classmethod
    def restore(cls, values: Mapping[str, bytes], damage: Sequence[Damage] = ()) -> "PartitionWindows":
        """From the changelog's values by name. A slot whose deployment was not written yet will be counted again.

        A deployment of which anything is damaged is left out, and is in `healing`: what is damaged is made again. Where
        nobody can say what is damaged, or where reading has to go on, that is the whole partition.
        """
        partition = cls(gone=[name for name, value in values.items() if not value], damage=list(damage))
        all_names = list(values)
        values = {name: value for name, value in values.items() if value}
        partition._restore_position(values)
        for name, value in values.items():
            kind, _, deployment_id = name.partition("|")
            if kind == "deployment":
                with partition._noting_damage(name, value):
                    packed = msgspec.msgpack.decode(value, type=PackedDeployment)
                    windows = DeploymentWindows.unpack(packed.windows)
                    windows.changed = False
                    partition.deployments[deployment_id] = DeploymentState(windows, packed.evaluation_memory)
        partition._restore_slots(values)
        partition._leave_out_damaged(all_names)
        return partition

    def _restore_position(self, values: Mapping[str, bytes]) -> None:
        if POSITION in values:
            with self._noting_damage(POSITION, values[POSITION]):
                position = unpack_position(values[POSITION])
                self.next_offset = position.next_offset
                self.rebuilt_for, self.positioned = position.rebuilt_for, True

    def _restore_slots(self, values: Mapping[str, bytes]) -> None:
        for name, value in values.items():
            key, deployment_id = _slot_of(name)
            if key is None:
                continue
            state = self.deployments.get(deployment_id)
            if state is None:
                self.gone.append(name)  # it may have ended since, and nobody would remove it
            else:
                with self._noting_damage(name, value):
                    state.windows.unpack_slot(key, value)

    @contextmanager
    def _noting_damage(self, name: str, value: bytes) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # the value of another version may raise anything
            self.damage.append(Damage(name, -1, value, f"{type(error).__name__}: {error}"[:DETAIL_CHARS]))

    def _leave_out_damaged(self, names: Sequence[str]) -> None:
        owners = {_deployment_of(damage.name) for damage in self.damage}
        if not owners:
            return
        self.all_heal = None in owners
        if self.all_heal:
            owners |= {_deployment_of(name) for name in names}
            reached = (slot.as_of for state in self.deployments.values() for slot in state.windows.slots.values())
            self.next_offset = max(self.next_offset, 1 + max(reached, default=-1))
        self.healing = {one for one in owners if one is not None}
        self.stale = {name for name in names if _deployment_of(name) in self.healing}
        self.gone = [name for name in self.gone if name not in self.stale]
        for deployment_id in self.healing:
            self.deployments.pop(deployment_id, None)
        self.heals_until, self.next_offset = self.next_offset, 0


def is_position(value: bytes) -> bool:
    """Whether it can be read."""
    try:
        unpack_position(value)
    except msgspec.MsgspecError:
        return False
    return True


def unpack_position(value: bytes) -> PackedPosition:
    """Raises msgspec.MsgspecError where it is none."""
    return msgspec.msgpack.decode(value, type=PackedPosition)


def _slot_of(name: str) -> tuple[SlotKey | None, str]:
    """The slot's key and its deployment; None where it is the name of something else."""
    match = _SLOT.fullmatch(name)
    return ((int(match[1]), int(match[2])), match[3]) if match else (None, "")


def _deployment_of(name: str | None) -> str | None:
    """None for what is no deployment's own."""
    if name is None:
        return None
    key, deployment_id = _slot_of(name)
    if key is not None:
        return deployment_id
    kind, _, deployment_id = name.partition("|")
    return deployment_id if kind == "deployment" else None


def _slot_name(deployment_id: str, key: SlotKey) -> str:
    return f"slot|{key[0]}|{key[1]}|{deployment_id}"
