"""What the runners that are up may take together, counted by whoever starts them."""

from collections.abc import Sequence

from model_runner.limits import size_text
from tidegate.home.capacity import Capacity


class Room:
    """By the limits of each, under its name. A runner that ends gives its room back when no process of it is left."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._taken: dict[str, int] = {}

    def take(self, name: str, memory_bytes: int) -> None:
        self._taken[name] = memory_bytes

    def give_back(self, name: str) -> None:
        self._taken.pop(name, None)

    def that_fit(self, names: Sequence[str], memory_bytes: int) -> tuple[Sequence[str], str | None]:
        """Those that there is room for, and why not for all: one that slept is woken without asking anybody.

        Args:
            memory_bytes: of each.
        """
        held = sum(self._taken.values())
        if memory_bytes > self._capacity.each.memory_bytes:
            most = size_text(int(self._capacity.each.memory_bytes))
            what = f"may take {size_text(memory_bytes)}"
            return (), f"{what}, and one model {most} at most (TIDEGATE_MAX_MODEL_MEMORY_MB)"
        for count in range(len(names)):
            trouble = self._capacity.trouble(memory_bytes, held + count * memory_bytes)
            if trouble is not None:
                return names[:count], trouble
        return names, None
