"""What Tidegate asks of topics, of every broker."""

from dataclasses import replace

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource

from stream.contracts.topics import Topic, TopicLayout
from tests.support.broker import Broker, admin
from tests.support.kafka import topic_id
from tests.support.waiting import wait_until
from tidegate.backends.topics import TopicsError, TopicStatus, ensure_topics

LAYOUT = TopicLayout(prefix="topics-", event_partitions=3, metric_partitions=2, retention_hours=5)


def _settings(client: AdminClient, name: str) -> dict[str, str | None]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    entries = client.describe_configs([resource], request_timeout=60)[resource].result(61)
    return {key: entry.value for key, entry in entries.items()}


def test_every_topic_is_created_with_its_settings(broker: Broker) -> None:
    reports = ensure_topics(broker.bootstrap, LAYOUT)

    assert {report.outcome for report in reports} == {TopicStatus.CREATED}
    client = admin(broker.bootstrap)
    existing = client.list_topics(timeout=60).topics
    for spec in LAYOUT.specs():
        assert len(existing[spec.name].partitions) == spec.partitions
        assert _settings(client, spec.name).items() >= spec.config.items()


def test_creating_them_again_changes_nothing(broker: Broker) -> None:
    layout = replace(LAYOUT, prefix="again-")
    ensure_topics(broker.bootstrap, layout)
    before = [topic_id(broker.bootstrap, spec.name) for spec in layout.specs()]

    reports = ensure_topics(broker.bootstrap, layout)

    assert {report.outcome for report in reports} == {TopicStatus.UNCHANGED}
    assert [topic_id(broker.bootstrap, spec.name) for spec in layout.specs()] == before


def test_a_changed_setting_is_brought_up_to_date_and_reported(broker: Broker) -> None:
    layout = replace(LAYOUT, prefix="changed-")
    ensure_topics(broker.bootstrap, layout)

    reports = {report.name: report for report in ensure_topics(broker.bootstrap, replace(layout, retention_hours=7))}

    alerts = reports[layout.name(Topic.ALERTS)]
    assert alerts.outcome is TopicStatus.UPDATED
    assert "retention.ms" in alerts.details[0]
    client = admin(broker.bootstrap)
    seven = str(7 * 3_600_000)
    # A broker that did not take the change itself hears of it a moment later.
    wait_until(lambda: _settings(client, alerts.name)["retention.ms"] == seven, 10, "the new retention")
    assert reports[layout.name(Topic.DEPLOYMENTS)].outcome is TopicStatus.UNCHANGED


def test_other_partitions_are_reported_and_not_changed(broker: Broker) -> None:
    layout = replace(LAYOUT, prefix="parts-")
    ensure_topics(broker.bootstrap, layout)

    reports = {report.name: report for report in ensure_topics(broker.bootstrap, replace(layout, event_partitions=6))}

    events = reports[layout.name(Topic.EVENTS)]
    assert events.outcome is TopicStatus.DIFFERENT
    assert events.partitions == 3
    assert "3 partitions, the settings say 6" in events.details[0]
    assert len(admin(broker.bootstrap).list_topics(timeout=60).topics[events.name].partitions) == 3


def test_a_topic_made_anew_has_another_id(broker: Broker) -> None:
    layout = replace(LAYOUT, prefix="anew-")
    ensure_topics(broker.bootstrap, layout)
    name = layout.name(Topic.EVENTS)
    before = topic_id(broker.bootstrap, name)

    client = admin(broker.bootstrap)
    client.delete_topics([name], request_timeout=60)[name].result(61)
    # Apache Kafka forgets a deleted topic a moment after it said so.
    for _ in range(20):
        try:
            created = {r.name for r in ensure_topics(broker.bootstrap, layout) if r.outcome is TopicStatus.CREATED}
        except (TopicsError, KafkaException):
            continue
        if name in created:
            break

    assert topic_id(broker.bootstrap, name) != before


def test_a_broker_that_does_not_answer_is_named() -> None:
    with pytest.raises(TopicsError, match=r"127\.0\.0\.1:9.*TIDEGATE_KAFKA_BOOTSTRAP"):
        ensure_topics("127.0.0.1:9", LAYOUT)
