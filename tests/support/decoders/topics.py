"""Records of topics, values of changelogs, columns of the registry."""

from collections.abc import Callable, Iterator

from model_runner.decode_errors import UNREADABLE
from model_runner.schema import schema as schema_codec
from storage.sink.batch import read_batch
from stream.contracts import alerts, dead_letters, deployments, metrics, panes
from stream.contracts.decode_errors import UNREADABLE as UNREADABLE_RECORD
from stream.contracts.topics import Topic
from stream.delivery.alert_intake import UnreadableAlertError, read_alert
from stream.exact.changelog import Changelog, pack_value
from stream.exact.sealing import open_record
from stream.intake.events import Record, read_records
from stream.profiles.codec import decode_profile, encode_profile
from tests.support.decoders.samples import NOW, SCHEMA
from tests.support.fuzzing import Decoder
from tests.support.sink_samples import of_every_topic, unsealed
from tests.support.traffic import make_profile


def topics() -> Iterator[Decoder]:
    valid = of_every_topic("m", NOW)
    for topic, value in valid.items():
        values = sorted({value, unsealed(value)})
        yield Decoder(f"sink: {topic.value}", values, lambda data, topic=topic: _land(topic, data))  # type: ignore[misc]
    events = [valid[Topic.EVENTS], b"\n".join([valid[Topic.EVENTS]] * 3)]
    yield Decoder("worker: inference.events", events, lambda data: read_records([Record(0, int(NOW * 1000), data)]))
    yield Decoder(
        "notifier: alerts", [valid[Topic.ALERTS], unsealed(valid[Topic.ALERTS])], read_alert, (UnreadableAlertError,)
    )
    for topic, read in _READERS.items():
        # A mutant of a sealed one is refused before it is decoded.
        yield Decoder(f"worker: {topic.value}", [valid[topic], unsealed(valid[topic])], read, UNREADABLE_RECORD)


_READERS: dict[Topic, Callable[[bytes], object]] = {
    Topic.PANES: panes.decode,
    Topic.DRIFT: metrics.decode_drift,
    Topic.SERVICE: metrics.decode_service,
    Topic.ALERTS: alerts.decode_alert,
    Topic.NOTIFICATIONS: alerts.decode_notification,
    Topic.DEPLOYMENTS: deployments.decode,
    Topic.DEAD_LETTERS: dead_letters.decode,
}


def _land(topic: Topic, data: bytes) -> None:
    read_batch(topic, [Record(0, int(NOW * 1000), data)])


def kept() -> Iterator[Decoder]:
    """Values of changelogs, and columns of the registry."""
    ((key, record),), _ = Changelog({}).split(0, "deployment|d", pack_value(b"i" * 16, 7, b"what was counted"))
    yield Decoder("changelog: record", [record], lambda data: open_record(key, data), (ValueError,))
    yield Decoder("registry: schema", [schema_codec.encode(SCHEMA).encode()], schema_codec.decode, UNREADABLE)
    yield Decoder("registry: profile", [encode_profile(make_profile("m", 1))], decode_profile, UNREADABLE_RECORD)
