"""Producers that outlive the embedded broker: the next one does not know them, and what they write must arrive."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from storage.sink.letters import Letters, LettersError
from stream.contracts.dead_letters import Reason, decode
from stream.contracts.deployments import DeploymentRecord
from stream.contracts.topics import Topic, TopicLayout
from stream.intake.events import Reject
from tests.support.broker import Broker, embedded_broker
from tests.support.topic_reader import read_topic
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics
from tidegate.rollout.publishing import publish

LAYOUT = TopicLayout()
LETTERS = LAYOUT.name(Topic.DEAD_LETTERS)


@pytest.fixture
def broker() -> Iterator[Broker]:
    with embedded_broker() as running:
        ensure_topics(running.bootstrap, LAYOUT)
        yield running


def _again(broker: Broker) -> None:
    """Another broker, which knows nothing of the one before."""
    broker.restart()
    ensure_topics(broker.bootstrap, LAYOUT)


def _record(number: int) -> DeploymentRecord:
    ts = f"2026-11-26T12:00:0{number}.000000Z"
    return DeploymentRecord(
        deployment_id=f"d{number}", workspace="default", model="m", version=number, ts=ts, action="live"
    )


def test_announcements_arrive(broker: Broker) -> None:
    for number in range(1, 4):
        assert publish(broker.bootstrap, LAYOUT, [_record(number)]) == 1
    _again(broker)
    assert publish(broker.bootstrap, LAYOUT, [_record(4), _record(5)]) == 2
    written = read_topic(broker.bootstrap, LAYOUT.name(Topic.DEPLOYMENTS))
    assert {(record.key or b"").decode() for record in written} == {"d4", "d5"}


@dataclass
class _Written:
    letters: Letters

    def write(self, number: int) -> bool:
        """As the sink does: it tries again where it could not."""
        with suppress(LettersError):
            self.letters.write("feature.panes", 0, [Reject(number, -1, Reason.WRONG_TYPE, "it is none", b"x")])
            return True
        return False


def test_letters_of_the_sink_arrive(broker: Broker) -> None:
    sink = _Written(Letters(broker.bootstrap, LETTERS))
    for number in range(3):
        assert sink.write(number)
    _again(broker)
    wait_until(lambda: sink.write(3), 60, "the letter to be taken")
    assert {decode(record.value).offset for record in read_topic(broker.bootstrap, LETTERS)} == {3}
