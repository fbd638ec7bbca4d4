"""The brokers that the contract is tested on: the embedded one always, Apache Kafka where KAFKA_HOME says so."""

from collections.abc import Iterator

import pytest

from tests.support.broker import KAFKA_HOME, Broker, apache_kafka, embedded_broker

KINDS = ("embedded", "apache")


@pytest.fixture(scope="session")
def embedded() -> Iterator[Broker]:
    with embedded_broker() as started:
        yield started


@pytest.fixture(scope="session")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if not KAFKA_HOME:
        pytest.skip("KAFKA_HOME is not set: NOT TESTED AGAINST APACHE KAFKA")
    with apache_kafka(tmp_path_factory.mktemp("kafka")) as started:
        yield started


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest) -> Broker:
    """One of its kind for all tests: each uses names of its own, and leaves the broker running.

    Each kind is a fixture of its own: one with parameters would start both again for every file.
    """
    found: Broker = request.getfixturevalue(str(request.param))
    return found


@pytest.fixture
def own_broker(broker: Broker) -> Iterator[Broker]:
    """The same broker, to be killed: what runs at the end is one that answers."""
    yield broker
    if not broker.child.running:
        broker.start()
