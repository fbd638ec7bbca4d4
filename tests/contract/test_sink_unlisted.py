"""ClickHouse refuses rows with a code that nobody listed: the records at fault are found, told of, and passed."""

from collections.abc import Iterator

import pytest

from storage.clickhouse.client import connect
from storage.sink.refusal import DATA_CODES, SERVER_CODES
from stream.contracts import alerts, dead_letters
from stream.contracts.topics import Topic
from tests.support.broker import embedded_broker
from tests.support.clickhouse import clickhouse_server
from tests.support.sink_samples import alert, moment
from tests.support.sinks import Landing, new_landing, running_sink
from tests.support.topic_reader import read_topic
from tests.support.waiting import wait_until

VIOLATED_CONSTRAINT = 469
MODELS = "SELECT model FROM alerts ORDER BY _first_offset, model"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Where the broker and ClickHouse are."""
    folder = tmp_path_factory.mktemp("unlisted")
    with embedded_broker() as broker, clickhouse_server(folder / "data") as server:
        yield broker.bootstrap, server.url


@pytest.fixture
def landing(services: tuple[str, str]) -> Landing:
    """A table that refuses some rows, which any server's owner may make of it."""
    made = new_landing(*services)
    client = connect(made.dsn, made.database)
    client.command("ALTER TABLE alerts ADD CONSTRAINT good CHECK NOT startsWith(model, 'bad')")
    client.close()
    return made


def told(landing: Landing) -> list[tuple[int, str]]:
    found = read_topic(landing.bootstrap, landing.layout.name(Topic.DEAD_LETTERS))
    letters = [dead_letters.decode(record.value) for record in found]
    assert all("onstraint" in letter.detail and letter.reader == "sink" for letter in letters)
    return sorted((letter.offset, letter.reason) for letter in letters)


def test_nobody_listed_it() -> None:
    assert not {VIOLATED_CONSTRAINT} & (DATA_CODES | SERVER_CODES)
    assert not DATA_CODES & SERVER_CODES


@pytest.mark.slow
@pytest.mark.parametrize("bad", [{0}, {7}, {0, 1, 5, 11}])
def test_the_records_at_fault_are_set_aside_and_all_others_land(landing: Landing, bad: set[int]) -> None:
    names = [f"{'bad' if number in bad else 'good'}-{number:02d}" for number in range(12)]
    landing.send(Topic.ALERTS, [alerts.encode(alert(moment(1_800_000_000.0), name)) for name in names])
    with running_sink(landing) as sink:
        wait_until(lambda: len(told(landing)) == len(bad), 90, "the letters", 0.5)
        expected = [(name,) for name in names if name.startswith("good")]
        wait_until(lambda: landing.rows("SELECT model FROM alerts ORDER BY model") == expected, 60, "the others", 0.5)
        wait_until(lambda: sink.not_ready() is None, 30, "the sink to be ready again")
    assert told(landing) == [(offset, "set_aside") for offset in sorted(bad)]
