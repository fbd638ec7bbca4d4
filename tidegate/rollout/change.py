"""One change of who gets a model's traffic, as it is planned, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from storage.registry import Database, Deployment


@dataclass(frozen=True)
class Change:
    """What is going to be done."""

    workspace: str
    model: str
    summary: str
    """One sentence, true once it is done."""
    switch: Callable[[Database], object]
    """The transaction."""
    new: tuple[Deployment, ...] = ()
    """Made for this change."""
    waits_for: tuple[Deployment, ...] = ()
    """Those, and others whose runner does not answer at the moment."""
    takes_traffic: tuple[str, ...] = ()
    """Ids of the deployments that have a URL once it is done: the gateway is waited for until it sends them traffic."""


@dataclass(frozen=True)
class Done:
    """A change that was carried out."""

    before: tuple[Deployment, ...]
    """The model's deployments as they were."""
    warnings: tuple[str, ...] = ()
    """What did not work beside it."""
