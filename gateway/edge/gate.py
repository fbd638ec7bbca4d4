"""The doors of the gateway: who wants in, by its request, with the counts of who was not let in."""

import time

from gateway.edge.token import Token
from gateway.prometheus import FAILED_TRIES
from web.asgi import Scope
from web.door import Door, Entry


class Gate:
    """For the installation's token, at one of the places where it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._door = Door(name)

    def enter(self, scope: Scope, token: Token | None, given: str | None) -> Entry:
        """Whether this request may go on."""
        entry = self._door.enter(given, () if token is None else token.expected(), client_of(scope), time.monotonic())
        if given is not None and not entry.accepted:
            FAILED_TRIES.labels(self._name, "limited" if entry.wait_s else "refused").inc()
        return entry


def client_of(scope: Scope) -> str:
    """The address that a request came from."""
    return str((scope.get("client") or ("?",))[0])
