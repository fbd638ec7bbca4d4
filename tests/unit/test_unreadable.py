"""Invalid UTF-8 inside a string of an otherwise valid message: the error that is no DecodeError to msgspec."""

from collections.abc import Callable

import pytest

from storage.sink.batch import read_batch
from stream.contracts import alerts, dead_letters, deployments, metrics, panes
from stream.contracts.dead_letters import Reason
from stream.contracts.decode_errors import UNREADABLE
from stream.contracts.topics import Topic
from stream.delivery.alert_intake import UnreadableAlertError, read_alert
from stream.intake.catalog import Catalog
from stream.intake.events import Record
from stream.profiles.codec import decode_profile

LATIN_1 = b'{"model": "caf\xe9"}'


@pytest.mark.parametrize(
    "decode",
    [
        alerts.decode_alert,
        alerts.decode_notification,
        dead_letters.decode,
        deployments.decode,
        metrics.decode_drift,
        metrics.decode_service,
        panes.decode,
        decode_profile,
    ],
)
def test_what_a_decoder_raises_is_named(decode: Callable[[bytes], object]) -> None:
    with pytest.raises(UNREADABLE):
        decode(LATIN_1)


def test_an_alert_is_refused() -> None:
    with pytest.raises(UnreadableAlertError) as refused:
        read_alert(LATIN_1)
    assert refused.value.reason is Reason.NOT_JSON


def test_the_catalog_passes_over_it() -> None:
    catalog = Catalog("nowhere:1", "deployments")
    catalog.take(LATIN_1)
    assert catalog.records == {}


@pytest.mark.parametrize("topic", [Topic.EVENTS, Topic.PANES, Topic.FEEDBACK, Topic.DEAD_LETTERS])
def test_the_sink_rejects_it(topic: Topic) -> None:
    batch = read_batch(topic, [Record(5, 0, LATIN_1)])
    assert batch.lines == []
    assert [(reject.offset, reject.reason) for reject in batch.rejects] == [(5, Reason.NOT_JSON)]
