"""What the agents need of the world, so that they can be driven without Faust and without a broker."""

from collections.abc import Awaitable, Iterable
from typing import Any, Protocol

from stream.exact.changelog import Damage

Sent = Awaitable[Any]
"""Done when the broker has it; raises when it refused."""


class AgentApp(Protocol):
    """The way to and from the broker."""

    async def publish(self, topic: str, key: bytes, value: bytes) -> Sent:
        """Send one record."""

    async def reposition(self, topic: str, partition: int, offset: int) -> None:
        """Read `offset` next, where the partition is still held."""

    async def ends_of(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """The end offset of each now; those of which the broker does not say it are left out."""


class StateValues(Protocol):
    """The values of one changelog. Both calls are synchronous: nothing comes between a look and a write."""

    def values_of(self, partition: int, incarnation: bytes) -> tuple[dict[str, bytes], list[Damage]]:
        """Payloads of one partition by name, of this incarnation of its input; and the records that are damaged."""

    def put(self, partition: int, name: str, value: bytes | None) -> None:
        """Write a value that `stream.exact.changelog.pack_value` made; None deletes it."""

    def mended(self, partition: int) -> None:
        """All that was lost is written anew: remove the damaged records that stand yet."""
