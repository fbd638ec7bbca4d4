"""`tidegate topics`: create what is missing, bring settings up to date, report what only a person should change."""

import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    TopicMetadata,
)

from stream.contracts.topics import TopicLayout, TopicSpec

REQUEST_S = 10.0
SETTINGS_S = 3.0
"""Shorter: the embedded broker never answers some questions about settings, and has none that matter."""


class TopicsError(Exception):
    """The broker could not be asked, or refused."""


class TopicStatus(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    """Its settings were changed to what they should be."""
    UNCHANGED = "unchanged"
    DIFFERENT = "different"
    """Something is not as set that is never changed by itself: `details` says what, and how to change it."""


@dataclass(frozen=True)
class TopicReport:
    name: str
    outcome: TopicStatus
    partitions: int
    details: tuple[str, ...] = ()


def ensure_topics(bootstrap: str, layout: TopicLayout) -> list[TopicReport]:
    """Make every topic of the layout exist with its settings. Run twice, the second run changes nothing.

    Partitions and replicas of an existing topic are never changed: records would change their partition and state its
    owner. A difference is reported.

    Raises:
        TopicsError: the broker cannot be reached, or refused to create or to change a topic.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "socket.timeout.ms": 10_000, "log_level": 0})
    specs = layout.specs()
    existing = _list(admin, bootstrap)
    made = _create(admin, [spec for spec in specs if spec.name not in existing])
    existing = _await_all(admin, bootstrap, specs)
    changed = _update(admin, [spec for spec in specs if spec.name not in made])
    return [_report(spec, existing[spec.name], spec.name in made, changed.get(spec.name, ())) for spec in specs]


def _list(admin: AdminClient, bootstrap: str) -> dict[str, TopicMetadata]:
    try:
        return dict(admin.list_topics(timeout=REQUEST_S).topics)
    except KafkaException as error:
        raise TopicsError(
            f"no Kafka broker answers at {bootstrap} ({_reason(error)}): start the stack with `tidegate up`, "
            "or correct TIDEGATE_KAFKA_BOOTSTRAP"
        ) from error


def _create(admin: AdminClient, specs: list[TopicSpec]) -> set[str]:
    """Names of those that were made by this call, not by another one at the same time."""
    if not specs:
        return set()
    new = [NewTopic(spec.name, spec.partitions, spec.replication, config=dict(spec.config)) for spec in specs]
    futures: dict[str, Future[None]] = admin.create_topics(new, request_timeout=REQUEST_S)
    return {name for name, future in futures.items() if _created(name, future)}


def _created(name: str, future: Future[None]) -> bool:
    try:
        future.result(REQUEST_S + 1)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False
        raise TopicsError(f"topic {name} cannot be created: {_reason(error)}") from error
    except TimeoutError as error:
        raise TopicsError(f"topic {name} cannot be created: the broker gave no answer in {REQUEST_S:g} s") from error
    return True


def _await_all(admin: AdminClient, bootstrap: str, specs: list[TopicSpec]) -> dict[str, TopicMetadata]:
    """A new topic is known to every client only a moment after its creation."""
    deadline = time.monotonic() + REQUEST_S
    while True:
        existing = _list(admin, bootstrap)
        if all(_has_leaders(existing.get(spec.name)) for spec in specs):
            return existing
        if time.monotonic() > deadline:
            missing = ", ".join(spec.name for spec in specs if not _has_leaders(existing.get(spec.name)))
            raise TopicsError(f"no broker leads {missing}: look at the brokers' own logs")
        time.sleep(0.05)


def _has_leaders(topic: TopicMetadata | None) -> bool:
    return topic is not None and bool(topic.partitions) and all(p.leader >= 0 for p in topic.partitions.values())


def _update(admin: AdminClient, specs: list[TopicSpec]) -> dict[str, tuple[str, ...]]:
    """Change settings that are not as they should be; what was changed, by topic."""
    changes: dict[str, dict[str, tuple[str | None, str]]] = {}
    for spec in specs:
        current = _settings(admin, spec.name)
        if current is not None:
            changes[spec.name] = {k: (current.get(k), v) for k, v in spec.config.items() if current.get(k) != v}
    resources = [_alteration(name, changed) for name, changed in changes.items() if changed]
    if resources:
        _wait(admin.incremental_alter_configs(resources, request_timeout=REQUEST_S))
    return {n: tuple(f"{k}: {old} → {new}" for k, (old, new) in c.items()) for n, c in changes.items() if c}


def _settings(admin: AdminClient, name: str) -> dict[str, str | None] | None:
    """None where the broker does not tell."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    try:
        future = admin.describe_configs([resource], request_timeout=SETTINGS_S)[resource]
        return {key: entry.value for key, entry in future.result(SETTINGS_S + 1).items()}
    except (KafkaException, TimeoutError):
        return None


def _alteration(name: str, changed: dict[str, tuple[str | None, str]]) -> ConfigResource:
    entries = [ConfigEntry(key, new, incremental_operation=AlterConfigOpType.SET) for key, (_, new) in changed.items()]
    return ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)


def _wait(futures: dict[ConfigResource, Future[Any]]) -> None:
    for resource, future in futures.items():
        try:
            future.result(REQUEST_S + 1)
        except (KafkaException, TimeoutError) as error:
            raise TopicsError(f"the settings of topic {resource.name} cannot be changed: {error}") from error


def _report(spec: TopicSpec, topic: TopicMetadata, made: bool, changed: tuple[str, ...]) -> TopicReport:
    partitions = len(topic.partitions)
    if made:
        return TopicReport(spec.name, TopicStatus.CREATED, partitions)
    different = differences(spec, partitions, min(len(p.replicas) for p in topic.partitions.values()))
    if different:
        return TopicReport(spec.name, TopicStatus.DIFFERENT, partitions, (*different, *changed))
    return TopicReport(spec.name, TopicStatus.UPDATED if changed else TopicStatus.UNCHANGED, partitions, changed)


def differences(spec: TopicSpec, partitions: int, replicas: int) -> tuple[str, ...]:
    """What a person has to decide about an existing topic."""
    found = []
    if partitions != spec.partitions:
        found.append(
            f"has {partitions} partitions, the settings say {spec.partitions}: stop the stack, then delete the topic "
            "or alter its partitions"
        )
    if replicas != spec.replication:
        found.append(f"has {replicas} replicas, the settings say {spec.replication}: reassign it with Kafka's tools")
    return tuple(found)


def created(reports: Iterable[TopicReport]) -> list[str]:
    return [report.name for report in reports if report.outcome is TopicStatus.CREATED]


def _reason(error: KafkaException) -> str:
    cause = error.args[0]
    return cause.str() if isinstance(cause, KafkaError) else str(cause)
