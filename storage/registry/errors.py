"""What the registry refuses, with what to do next."""

import difflib
from collections.abc import Iterable


class RegistryError(Exception):
    """The registry could not do what was asked."""


class UnknownModelError(RegistryError):
    """No model of that name; `nearest` are the names that look like it."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        names = sorted(known)
        self.nearest = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        super().__init__(f"no model named {name!r}: {self._hint(names)}")

    def _hint(self, names: list[str]) -> str:
        if self.nearest:
            return f"did you mean {' or '.join(map(repr, self.nearest))}?"
        if not names:
            return "none is deployed yet, deploy one with `tidegate deploy PATH`"
        shown = ", ".join(map(repr, names[:5]))
        return f"there are {shown}{' and others' if len(names) > 5 else ''}; see `tidegate models`"


class UnknownVersionError(RegistryError):
    """The model has no such version."""


class UnknownDeploymentError(RegistryError):
    """No deployment of that id."""


class DeploymentStateError(RegistryError):
    """The deployment is in a state that does not allow what was asked."""


class RouteChangedError(RegistryError):
    """Somebody else changed the model's traffic in the meantime."""


class ProfileExistsError(RegistryError):
    """A profile is immutable, and another one stands under that id."""
