"""Models with 3,000 features, with a reference and without one, through the real stream worker: they are watched."""

import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from confluent_kafka import Producer

from gateway.events import InferenceEvent, encode_record
from stream.contracts.deployments import DeploymentRecord, encode
from stream.contracts.metrics import DriftMetric, decode_drift
from stream.contracts.timestamps import to_text
from stream.contracts.topics import Topic, TopicLayout
from stream.profiles.build import build_profile
from stream.profiles.codec import encode_profile, unpack_profile
from stream.profiles.packing import pack_profile
from tests.support.broker import Broker, embedded_broker
from tests.support.stream_worker import StreamWorkers
from tests.support.topic_reader import read_topic
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

LAYOUT = TopicLayout()
FEATURES = [f"feature_{number:04d}" for number in range(3000)]
START = time.time() // 10 * 10 - 600
SHIFTED = FEATURES[7]


@pytest.mark.slow
def test_three_thousand_features_are_watched_with_a_reference_and_without(tmp_path: Path) -> None:
    rng = np.random.default_rng(20261126)
    with embedded_broker() as broker:
        ensure_topics(broker.bootstrap, LAYOUT)
        producer = Producer({"bootstrap.servers": broker.bootstrap, "message.max.bytes": 12_582_912, "log_level": 0})
        reference = {name: rng.normal(size=250) for name in FEATURES}
        profile = build_profile(reference, {"prediction": rng.random(250)}, model="known", version=1)
        carried = pack_profile(msgspec.json.decode(encode_profile(profile)))
        _announce(producer, "known", carried, profile.id)
        _announce(producer, "learning", None, None)
        with StreamWorkers(broker, tmp_path, count=1, flush_s=0.5, evaluate_s=1.0) as workers:
            _send(producer, rng, "known", rows=110, shift=6.0, at=0.0, digits=3)
            _send(producer, rng, "learning", rows=260, shift=0.0, at=0.0)
            known = wait_until(lambda: _drift(broker, "known", 110), 240, "drift of the known", every_s=1.0)
            wait_until(lambda: _learned(broker), 240, "a reference of the first events", every_s=0.5)
            _send(producer, rng, "learning", rows=8, shift=0.0, at=120.0)
            learned = wait_until(lambda: _drift(broker, "learning", 1), 240, "drift of the other", every_s=1.0)
            assert workers.children[0].running
            assert "stream_worker.trouble" not in workers.log()
            assert "set_aside" not in workers.log()
        _check(known, profile.n_rows)
        rows = _learned(broker)[0]
        assert 100 < rows <= 260, "as many as there was room for: 2,000 were wanted"
        _check(learned, rows)


def _check(metrics: list[DriftMetric], reference_rows: int) -> None:
    """Every series, in records that a broker takes by default."""
    assert {metric.series for metric in metrics} == {*FEATURES, "prediction"}
    assert {metric.reference_rows for metric in metrics} == {reference_rows}
    if metrics[0].deployment_id == "known":
        states = {metric.series: metric.state for metric in metrics if metric.window == "1m"}
        assert [series for series, state in states.items() if state == "drift"] == [SHIFTED]


def _announce(producer: Producer, name: str, profile: object, profile_id: str | None) -> None:
    record = DeploymentRecord(
        deployment_id=name,
        workspace="default",
        model=name,
        version=1,
        ts=to_text(START),
        action="live",
        profile=profile,
        profile_id=profile_id,
        features=FEATURES,
    )
    producer.produce(LAYOUT.name(Topic.DEPLOYMENTS), encode(record), key=name)
    assert producer.flush(20) == 0


def _send(
    producer: Producer, rng: np.random.Generator, name: str, *, rows: int, shift: float, at: float, digits: int = 15
) -> None:
    """Four events a record, ten rows a second of event time; one feature is elsewhere."""
    values = rng.normal(size=(rows, len(FEATURES))).round(digits)
    values[:, FEATURES.index(SHIFTED)] += shift
    predictions = rng.random(rows)
    events = [
        _event(name, row, to_text(START + at + row / 10), values[row].tolist(), float(predictions[row]))
        for row in range(rows)
    ]
    for first in range(0, rows, 4):
        value = encode_record(events[first : first + 4])
        assert len(value) < 500_000
        producer.produce(LAYOUT.name(Topic.EVENTS), value, partition=first // 4 % 4, timestamp=int((START + at) * 1000))
    assert producer.flush(20) == 0


def _event(name: str, row: int, ts: str, values: list[float], prediction: float) -> InferenceEvent:
    return InferenceEvent(
        event_id=f"{name}-{row}",
        request_id=f"r-{row}",
        row=0,
        ts=ts,
        workspace="default",
        model=name,
        version=1,
        deployment_id=name,
        role="primary",
        status=200,
        error=None,
        latency_ms=5.0,
        model_ms=1.0,
        batch_size=1,
        features=dict(zip(FEATURES, values, strict=True)),
        prediction=prediction,
        key_id=None,
    )


def _drift(broker: Broker, name: str, rows: int) -> list[DriftMetric]:
    """The newest evaluation that is there as a whole; nothing where there is none of enough rows."""
    records = read_topic(broker.bootstrap, LAYOUT.name(Topic.DRIFT))
    assert all(len(record.value) < 1_000_000 for record in records)
    metrics = [metric for record in records if record.key == name.encode() for metric in decode_drift(record.value)]
    whole: dict[str, list[DriftMetric]] = {}
    for metric in metrics:
        whole.setdefault(metric.ts, []).append(metric)
    good = [found for found in whole.values() if len(found) == 4 * (len(FEATURES) + 1) and found[0].n >= rows]
    return good[-1] if good else []


def _learned(broker: Broker) -> list[int]:
    """Rows of the references that were learned."""
    found = read_topic(broker.bootstrap, LAYOUT.name(Topic.DEPLOYMENTS))
    records = [msgspec.json.decode(record.value, type=DeploymentRecord) for record in found]
    return [unpack_profile(record.profile).n_rows for record in records if record.action == "baseline"]
