"""What topic `deployments` is told of endings: a real registry, the embedded broker, what compaction would leave."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from model_runner.folder.maxima import Maxima
from storage import registry
from storage.registry import Database, Status
from stream.contracts.deployments import change_key, decode
from stream.contracts.topics import Topic, TopicLayout
from stream.intake.catalog import Catalog
from tests.support.broker import Broker, embedded_broker
from tests.support.topic_reader import read_topic
from tidegate.backends.topics import ensure_topics
from tidegate.home.capacity import Capacity
from tidegate.rollout.announcing import AGAIN, AT_START, Announcer
from tidegate.rollout.change import Change
from tidegate.rollout.config import rollout_config
from tidegate.rollout.engine import carry_out
from tidegate.rollout.publishing import changes, publish, publish_changes, record_of
from tidegate.rollout.runner_awaiting import RunnerNotReadyError
from tidegate.settings import Settings

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LAYOUT = TopicLayout()
KEPT = timedelta(hours=LAYOUT.retention_hours)


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with embedded_broker() as running:
        ensure_topics(running.bootstrap, LAYOUT)
        yield running


def live(database: Database, broker: Broker, at: datetime) -> str:
    """A deployment of a new version, announced as the deployer does; the switch is not told."""
    made = registry.create_version(
        database, "market", artifact_url="file:///a", sha256="0" * 64, format="joblib", input_schema=None, manifest={}
    )
    deployment = registry.create_deployment(database, made.id, now=at)
    publish(broker.bootstrap, LAYOUT, [record_of(database, deployment, "live", at)])
    registry.switch_route(database, deployment.id, now=at, keep_warm=0)
    return deployment.id


def compacted(broker: Broker) -> dict[str, bytes]:
    newest = {}
    for record in read_topic(broker.bootstrap, LAYOUT.name(Topic.DEPLOYMENTS)):
        newest[(record.key or b"").decode()] = record.value
    return {key: value for key, value in newest.items() if value}


def test_endings_that_nobody_told_are_told_and_what_ended_long_ago_is_removed(
    database: Database, broker: Broker
) -> None:
    oldest = live(database, broker, NOW - 2 * KEPT)
    before = registry.deployments_of(database, "market")
    recent = live(database, broker, NOW - KEPT - AGAIN / 2)  # ends the oldest
    after = registry.deployments_of(database, "market")
    publish_changes(broker.bootstrap, LAYOUT, changes(database, before, after, NOW))
    newest = live(database, broker, NOW - AGAIN / 2)  # ends the recent one, and who switched was killed
    failed = registry.create_deployment(database, registry.get_version(database, "market", 3).id, now=NOW - AGAIN / 2)
    registry.fail_deployment(database, failed.id, "its runner died", now=NOW - AGAIN / 3)

    announcer = Announcer(database, broker.bootstrap, LAYOUT)
    announcer.catch_up(NOW, AGAIN)
    announcer.catch_up(NOW, AT_START)

    left = compacted(broker)
    assert oldest not in left
    assert change_key(oldest) not in left
    assert {recent, newest} < left.keys()
    told = {key: decode(left[change_key(key)]) for key in (recent, failed.id)}
    assert {found.action for found in told.values()} == {"retired"}
    assert told[recent].reason == "version 3 took its place"
    assert told[failed.id].reason == "it failed: its runner died"
    assert told[recent].ts == "2026-11-26T11:30:00.000000Z", "when it ended, however often that is told"

    catalog = Catalog("nowhere:1", "deployments")
    for record in read_topic(broker.bootstrap, LAYOUT.name(Topic.DEPLOYMENTS)):
        if record.value:
            catalog.take(record.value)
    assert set(catalog.endings) == {oldest, recent, failed.id}


def test_a_change_whose_runner_never_answers_is_told_at_once(
    tmp_path: Path, database: Database, broker: Broker
) -> None:
    """And changes nothing: what was live still is."""
    live(database, broker, NOW)
    before = registry.deployments_of(database, "market")
    settings = Settings(home=tmp_path, kafka_bootstrap=broker.bootstrap)
    config = replace(rollout_config(settings), capacity=Capacity(Maxima()))
    new = registry.create_deployment(database, registry.get_version(database, "market", 1).id, now=NOW)
    switch = partial(registry.switch_route, deployment_id=new.id)
    change = Change("default", "market", "it gets the traffic", switch, (new,), (new,), (new.id,))
    with pytest.raises(RunnerNotReadyError, match="`tidegate up`"):
        carry_out(change, config, database)
    assert registry.get_deployment(database, new.id).status is Status.FAILED
    told = compacted(broker)
    assert decode(told[new.id]).action == "live", "before its first event"
    last = decode(told[change_key(new.id)])
    assert (last.action, "`tidegate up`" in str(last.reason)) == ("retired", True)
    assert [one for one in registry.deployments_of(database, "market") if one.id != new.id] == before
