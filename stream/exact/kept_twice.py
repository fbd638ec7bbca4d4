"""A state that is one value is kept as the last two of them, in turns under two names: one may be damaged. Pure.

The older one is what a kill before the newer one's writing would have left, so reading on from it is exact. A compacted
changelog keeps the last value of a name, so under one name there would be nothing to go back to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from stream.exact.changelog import DETAIL_CHARS, Damage

NAMES = ("", "1")
"""The first is where values were before there were two."""
StateT = TypeVar("StateT")


@dataclass(slots=True)
class Found(Generic[StateT]):
    """What the changelog holds of a partition's state."""

    state: StateT | None = None
    """The furthest that can be read."""
    next_name: str = NAMES[0]
    """Where the next value is to be written: not over that one."""
    damage: list[Damage] = field(default_factory=list)


def newest(
    values: Mapping[str, bytes],
    damage: Sequence[Damage],
    unpack: Callable[[bytes], StateT],
    reach: Callable[[StateT], tuple[int, ...]],
) -> Found[StateT]:
    """Whatever `unpack` raises is damage of that value."""
    found = Found[StateT](damage=list(damage))
    for name, value in values.items():
        if not value:
            continue
        try:
            state = unpack(value)
        except Exception as error:  # the value of another version may raise anything
            detail = f"{type(error).__name__}: {error}"[:DETAIL_CHARS]
            found.damage.append(Damage(name, -1, value, detail))
            continue
        if found.state is None or reach(state) > reach(found.state):
            found.state, found.next_name = state, other(name)
    return found


def other(name: str) -> str:
    """The name that is not this one."""
    return NAMES[name == NAMES[0]]
