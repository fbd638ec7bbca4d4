"""Tells topic `deployments` what is live, and with which profile; returns when the broker has acknowledged it."""

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from storage.registry import (
    Database,
    Deployment,
    Status,
    deployments_of,
    get_profile,
    get_version,
    list_models,
)
from stream.contracts.deployments import RETIRED, DeploymentRecord, change_key, encode
from stream.contracts.topics import Topic, TopicLayout
from stream.profiles.packing import pack_profile
from tidegate.rollout.endings import why_ended
from tidegate.rollout.producers import forget, producer_for

log = logging.getLogger("tidegate.deployer")

FLUSH_S = 15.0
"""Longer than a record may take (TIMEOUT_S), so that it hears of each failure."""
_ACTIONS = {Status.LIVE: "live", Status.WARM: "warm"}


class PublishError(Exception):
    """The broker did not take a record."""


def record_of(database: Database, deployment: Deployment, action: str, now: datetime) -> DeploymentRecord:
    """What is to be told about a deployment."""
    version = get_version(database, deployment.model, deployment.version, deployment.workspace)
    profile = get_profile(database, version.id, deployment.profile_id) if deployment.profile_id else None
    manifest = version.manifest
    return DeploymentRecord(
        deployment_id=deployment.id,
        workspace=deployment.workspace,
        model=deployment.model,
        version=deployment.version,
        ts=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        action=action,
        profile=None if profile is None else pack_profile(profile.content),
        profile_id=deployment.profile_id,
        baseline_rows=int(manifest.get("baseline_rows", 2000)),
        psi_threshold=float(manifest.get("psi_threshold", 0.2)),
        features=manifest.get("watched"),
        role=deployment.role.value,
        weight=deployment.weight,
        branch=deployment.branch,
    )


def changes(
    database: Database, before: Iterable[Deployment], after: Iterable[Deployment], now: datetime
) -> list[DeploymentRecord]:
    """What is to be told of a model's deployments after a change: those whose status, role or weight is another."""
    known = {found.id: (found.status, found.role, found.weight) for found in before}
    models = list(after)
    return [
        change_of(database, found, models, now)
        for found in models
        if known.get(found.id) != (found.status, found.role, found.weight) and found.status is not Status.STARTING
    ]


def change_of(
    database: Database, deployment: Deployment, models: Sequence[Deployment], now: datetime
) -> DeploymentRecord:
    """What is told of a deployment as it is now, among all of its model's."""
    action = _ACTIONS.get(deployment.status, RETIRED)
    reason = why_ended(deployment, models) if action == RETIRED else None
    at = deployment.retired_at if action == RETIRED and deployment.retired_at is not None else now
    return msgspec.structs.replace(record_of(database, deployment, action, at), profile=None, reason=reason)


def records_of_live(database: Database, now: datetime) -> list[DeploymentRecord]:
    """One record for each deployment that has or may get traffic: the embedded broker forgets them when it stops."""
    kept = (Status.LIVE, Status.WARM)
    found: list[Deployment] = []
    for model in list_models(database):
        # A row that cannot be read must not keep the others, and the stack, from starting.
        found += [one for one in deployments_of(database, model.name, model.workspace, {}) if one.status in kept]
    return [record_of(database, deployment, "live", now) for deployment in reversed(found)]


def publish(
    bootstrap: str, layout: TopicLayout, records: Iterable[DeploymentRecord], *, flush_s: float = FLUSH_S
) -> int:
    """Write the announcements of deployments and wait for their acknowledgement; how many there were.

    Raises:
        PublishError: the broker cannot be reached, or refused one.
    """
    return _publish(bootstrap, layout, [(record.deployment_id, record) for record in records], flush_s)


def publish_changes(
    bootstrap: str, layout: TopicLayout, records: Iterable[DeploymentRecord], *, flush_s: float = FLUSH_S
) -> int:
    """The same for what `changes` found.

    Raises:
        PublishError: the broker cannot be reached, or refused one.
    """
    return _publish(bootstrap, layout, [(change_key(record.deployment_id), record) for record in records], flush_s)


def publish_removals(
    bootstrap: str, layout: TopicLayout, deployment_ids: Iterable[str], *, flush_s: float = FLUSH_S
) -> int:
    """Have the topic's compaction remove all that it holds of these deployments.

    Raises:
        PublishError: the broker cannot be reached, or refused one.
    """
    keys = [key for deployment_id in deployment_ids for key in (change_key(deployment_id), deployment_id)]
    return _publish(bootstrap, layout, [(key, None) for key in keys], flush_s)


def _publish(
    bootstrap: str, layout: TopicLayout, records: Sequence[tuple[str, DeploymentRecord | None]], flush_s: float
) -> int:
    if not records:
        return 0
    producer = producer_for(bootstrap, layout)
    topic = layout.name(Topic.DEPLOYMENTS)
    try:
        for key, record in records:
            _write(producer, topic, key, record, flush_s)
    except PublishError as error:
        forget(producer)
        raise PublishError(
            f"the deployment was not announced on topic {topic} at {bootstrap}: {error}. See `tidegate status`."
        ) from error
    return len(records)


def _write(producer: Producer, topic: str, key: str, record: DeploymentRecord | None, flush_s: float) -> None:
    """One by one: not more than one of them, with its profile of up to megabytes, waits in memory; none overtakes."""
    ends: list[KafkaError | None] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        ends.append(error)

    try:
        producer.produce(topic, None if record is None else encode(record), key=key.encode(), on_delivery=delivered)
        producer.flush(flush_s)
    except KafkaException as error:
        raise PublishError(str(error)) from error
    if not ends:
        raise PublishError(f"no acknowledgement in {flush_s:g} s")
    if ends[0] is not None:
        raise PublishError(ends[0].str())
