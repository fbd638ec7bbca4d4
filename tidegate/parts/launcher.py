"""What can run the runners of deployments: processes of this machine, or an orchestrator of many machines."""

from collections.abc import Sequence
from typing import Protocol

from storage.registry import DesiredRunner
from tidegate.parts.state import PartState


class Launcher(Protocol):
    """Makes what runs what is wanted. All methods are called from one event loop."""

    @property
    def troubles(self) -> Sequence[str]:
        """What keeps a deployment from running, a sentence each."""

    async def reconcile(self, wanted: Sequence[DesiredRunner]) -> bool:
        """Start, scale and stop; whether it is done. If not it is asked again soon, though nothing else was wanted.

        Those that are asleep have no runners; whoever is not among `wanted` is to be gone. Safe to repeat.
        """

    def is_ready(self, deployment_id: str) -> bool:
        """Whether a runner of it answers."""

    def states(self) -> Sequence[PartState]:
        """Every runner, for `tidegate status`."""

    async def settled(self) -> None:
        """Return when there is something to say of every runner that was begun: it is ready, or keeps failing."""

    async def stop(self) -> None:
        """The stack stops. What lives elsewhere stays."""
