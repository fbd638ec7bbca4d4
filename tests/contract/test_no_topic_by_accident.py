"""Who writes makes no topic: one that a broker makes by itself has other partitions and settings than ours."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from stream.contracts.deployments import DeploymentRecord
from stream.contracts.timestamps import to_text
from stream.contracts.topics import Topic, TopicLayout
from tests.support.broker import Broker, admin, embedded_broker
from tidegate.backends.topics import ensure_topics
from tidegate.rollout.producers import producer_for
from tidegate.rollout.publishing import PublishError, publish

LAYOUT = TopicLayout()
RECORD = DeploymentRecord(
    deployment_id="d1",
    workspace="default",
    model="m",
    version=1,
    ts=to_text(datetime.now(UTC).timestamp()),
    action="live",
)


@pytest.fixture
def empty() -> Iterator[Broker]:
    """Without a topic."""
    with embedded_broker() as broker:
        yield broker


def _topics(broker: Broker) -> set[str]:
    return set(admin(broker.bootstrap).list_topics(timeout=30).topics)


def test_an_announcement_without_its_topic_is_refused(empty: Broker) -> None:
    with pytest.raises(PublishError, match="was not announced"):
        publish(empty.bootstrap, LAYOUT, [RECORD], flush_s=2.0)
    assert _topics(empty) == set()


def test_a_producer_that_outlives_its_broker_makes_nothing_in_the_next(empty: Broker) -> None:
    ensure_topics(empty.bootstrap, LAYOUT)
    assert publish(empty.bootstrap, LAYOUT, [RECORD]) == 1
    empty.restart()
    kept = producer_for(empty.bootstrap, LAYOUT)
    kept.list_topics(LAYOUT.name(Topic.DEPLOYMENTS), timeout=30)  # as it asks by itself, some time later
    assert _topics(empty) == set()
