"""Carries out every change of who gets traffic: a push's, a command's, the management API's.

Announce, wait for runners, switch, tell the workers, wait for the gateway. A push stops after `prepare`, until git has
taken its commit.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from model_runner.plain_text import quoted_text
from storage import registry
from storage.registry import Database, Deployment, RegistryError
from tidegate.rollout.change import Change, Done
from tidegate.rollout.config import RolloutConfig
from tidegate.rollout.publishing import PublishError, change_of, changes, publish, publish_changes, record_of
from tidegate.rollout.route_awaiting import await_route
from tidegate.rollout.runner_awaiting import await_runner

TELL_S = 3.0
"""What is to be told is so already; a broker that is away must not hold up who asked for it."""
ROUTE_S = 10.0
"""A gateway asks for changes ten times a second; one that does not answer in this time is in trouble of its own."""


def carry_out(change: Change, config: RolloutConfig, database: Database) -> Done:
    """All of it.

    Raises:
        PublishError, RunnerNotReadyError, RegistryError: nothing was switched; what was new has failed.
    """
    prepare(change, config, database)
    return finish(change, config, database)


def prepare(change: Change, config: RolloutConfig, database: Database) -> None:
    """Tell the workers of what is new, before its first event, and wait for the runners.

    Raises:
        PublishError, RunnerNotReadyError, RegistryError: what was new has failed.
    """
    try:
        now = datetime.now(UTC)
        publish(config.bootstrap, config.layout, [record_of(database, found, "live", now) for found in change.new])
        if change.waits_for:
            registry.note_requests(database, [found.id for found in change.waits_for])
        await_runners(change.waits_for, config, database)
    except BaseException as error:
        fail_new(change, config, database, error)
        raise


def finish(change: Change, config: RolloutConfig, database: Database) -> Done:
    """Switch, and see to it that workers and gateway know.

    Raises:
        RegistryError: nothing was switched; what was new has failed.
    """
    try:
        # Rows that cannot be read are no reason against another deployment, which is what mends the model.
        before = registry.deployments_of(database, change.model, change.workspace, {})
        change.switch(database)
    except BaseException as error:
        fail_new(change, config, database, error)
        raise
    warnings = tell(config, database, change.workspace, change.model, before)
    return Done(tuple(before), (*warnings, *_await_routes(change.takes_traffic, config)))


def await_runners(deployments: Iterable[Deployment], config: RolloutConfig, database: Database) -> None:
    """Return when each of their runners has loaded its model and answered its example.

    Raises:
        RunnerNotReadyError: one does not, or was cancelled.
    """

    async def all_ready() -> None:
        await asyncio.gather(
            *(
                await_runner(config.places, allowed_s(found), partial(registry.get_deployment, database, found.id))
                for found in deployments
            )
        )

    def allowed_s(found: Deployment) -> float:
        manifest = registry.get_version(database, found.model, found.version, found.workspace).manifest
        return config.deadlines.start_s(manifest)

    asyncio.run(all_ready())


def fail_new(change: Change, config: RolloutConfig, database: Database, error: BaseException) -> None:
    """What was made for the change is not wanted any more; the workers hear of it."""
    reason = quoted_text(str(error) or type(error).__name__)
    for found in change.new:
        with suppress(RegistryError):
            _tell_failed(config, database, registry.fail_deployment(database, found.id, reason))


def tell(
    config: RolloutConfig, database: Database, workspace: str, model: str, before: Sequence[Deployment]
) -> list[str]:
    """Write what changed of a model's deployments to topic `deployments`; why not, where it cannot be."""
    after = registry.deployments_of(database, model, workspace, {})
    records = changes(database, before, after, datetime.now(UTC))
    try:
        publish_changes(config.bootstrap, config.layout, records, flush_s=TELL_S)
    except PublishError as error:
        # It is done: that is not to be taken back because nobody could be told.
        return [f"It is done, but the stream workers do not know yet: {error}"]
    return []


def _tell_failed(config: RolloutConfig, database: Database, failed: Deployment) -> None:
    with suppress(PublishError):  # tidegate/rollout/announcing.py tells it again
        told = change_of(database, failed, [], datetime.now(UTC))
        publish_changes(config.bootstrap, config.layout, [told], flush_s=TELL_S)


def _await_routes(deployment_ids: Iterable[str], config: RolloutConfig) -> list[str]:
    warnings = []
    for deployment_id in deployment_ids:
        trouble = await_route(config.gateway_url, deployment_id, ROUTE_S)
        if trouble is not None:
            see = "see `tidegate logs gateway`"
            warnings.append(f"the gateway does not send {deployment_id} traffic yet ({trouble}): {see}")
            break  # it is the gateway's trouble: the others would be waited for in vain
    return warnings
