"""One change of who gets a model's traffic: planned, then carried out once every runner that it needs answers."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from model_runner.plain_text import quoted_text
from storage import registry
from storage.registry import Database, Deployment, RegistryError
from tidegate.deployer.publishing import PublishError, changes, publish_changes
from tidegate.versions.config import VersionsConfig
from tidegate.versions.runners import announce, wait_for

TELL_S = 3.0
"""The switch is done then; a broker that is away must not hold up who asked for it."""


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


def carry_out(change: Change, config: VersionsConfig, database: Database) -> list[str]:
    """Wait for the runners, switch, tell the workers; what did not work beside it.

    Raises:
        PublishError, RunnerNotReadyError, RegistryError: nothing was switched; what was new has failed.
    """
    try:
        announce(config, database, change.new)
        if change.waits_for:
            registry.note_requests(database, [found.id for found in change.waits_for])
        wait_for(config, database, change.waits_for)
        before = registry.deployments_of(database, change.model, change.workspace, {})
        change.switch(database)
    except BaseException as error:
        fail_new(change, database, error)
        raise
    return tell(config, database, change.workspace, change.model, before)


def fail_new(change: Change, database: Database, error: BaseException) -> None:
    """What was made for the change is not wanted any more."""
    for found in change.new:
        with suppress(RegistryError):
            registry.fail_deployment(database, found.id, quoted_text(str(error) or type(error).__name__))


def tell(
    config: VersionsConfig, database: Database, workspace: str, model: str, before: Sequence[Deployment]
) -> list[str]:
    """Write what changed of a model's deployments to topic `deployments`; why not, where it cannot be."""
    after = registry.deployments_of(database, model, workspace, {})
    records = changes(database, before, after, datetime.now(UTC))
    try:
        publish_changes(config.bootstrap, config.layout, records, flush_s=TELL_S)
    except PublishError as error:
        return [f"It is done, but the stream workers do not know yet: {error}"]
    return []
