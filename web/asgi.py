"""The three things that an ASGI server hands to an application."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


Scope = MutableMapping[str, Any]


Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
