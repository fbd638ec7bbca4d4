"""In the place of what a pickle names and makes: takes whatever is done to objects, does nothing, knows its name."""

from typing import Any


class StandIn:
    """Its class stands for what was named, its instances for what was made of that."""

    module = ""
    name = ""
    state: Any = None

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, item: Any) -> None: ...

    def extend(self, items: Any) -> None: ...

    def add(self, item: Any) -> None: ...

    @property
    def full_name(self) -> str:
        return f"{self.module}.{self.name}"


def stand_in(module: str, name: str) -> type[StandIn]:
    """For one global."""
    return type("StandIn", (StandIn,), {"module": module, "name": name})


def is_name(thing: Any) -> bool:
    """Whether it is what a pickle named, not what it made."""
    return isinstance(thing, type) and issubclass(thing, StandIn)
