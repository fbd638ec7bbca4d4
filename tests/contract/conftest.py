"""The brokers that the contract is tested on: the embedded one always, Apache Kafka where KAFKA_HOME says so."""

from collections.abc import Iterator

import pytest

from tests.support.broker import KAFKA_HOME, Broker, apache_kafka, embedded_broker


@pytest.fixture(scope="session", params=["embedded", "apache"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for all tests: each uses names of its own, and leaves the broker running."""
    if request.param == "embedded":
        with embedded_broker() as started:
            yield started
        return
    skip_without_kafka()
    with apache_kafka(tmp_path_factory.mktemp("kafka")) as started:
        yield started


@pytest.fixture(params=["embedded", "apache"])
def own_broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of the test's own, to be killed."""
    if request.param == "embedded":
        with embedded_broker() as started:
            yield started
        return
    skip_without_kafka()
    with apache_kafka(tmp_path_factory.mktemp("kafka")) as started:
        yield started


def skip_without_kafka() -> None:
    if not KAFKA_HOME:
        pytest.skip("KAFKA_HOME is not set: NOT TESTED AGAINST APACHE KAFKA")
