"""Partitions are taken and given back at every await of the agents: counts, windows and alerts stay exact."""

import asyncio
import random
from collections import Counter
from collections.abc import Container

import msgspec
import pytest

from gateway.events import InferenceEvent, encode_record
from stream.alerting.rule_engine import RuleEngine
from stream.contracts import alerts, dead_letters, panes
from stream.contracts.deployments import DeploymentRecord
from stream.contracts.deployments import encode as encode_deployment
from stream.contracts.metrics import DriftMetric, ServiceMetric, decode_drift, decode_service, encode_lines
from stream.contracts.panes import Pane
from stream.contracts.timestamps import to_seconds, to_text
from stream.contracts.topics import Topic
from stream.profiles.build import build_profile
from stream.profiles.codec import encode_profile
from stream.windows.window import WINDOWS
from tests.support.simulation import BASE, LAYOUT, PARTITIONS, Simulation
from tests.unit.test_rule_engine import drift

PROFILE = build_profile({"a": [float(i) for i in range(20)]}, {}, model="m", version=1)
KNOWN = ("d1", "d2")
MEASURED = tuple(f"x{partition}" for partition in range(PARTITIONS))
"""Deployments whose metrics are made up."""
STRANGER = "never-announced"


def announced(deployment_id: str) -> bytes:
    return encode_deployment(
        DeploymentRecord(
            deployment_id=deployment_id,
            workspace="default",
            model=deployment_id,
            version=1,
            ts=to_text(BASE),
            action="live",
            profile=msgspec.json.decode(encode_profile(PROFILE)),
            profile_id=PROFILE.id,
        )
    )


def event(number: int, deployment_id: str, ts: float, value: float) -> InferenceEvent:
    return InferenceEvent(
        event_id=f"e{number}",
        request_id=f"r{number}",
        row=0,
        ts=to_text(ts),
        workspace="default",
        model=deployment_id,
        version=1,
        deployment_id=deployment_id,
        role="primary",
        status=200,
        error=None,
        latency_ms=1.0,
        model_ms=1.0,
        batch_size=1,
        features={"a": value},
        prediction=None,
        key_id=None,
    )


def fill(simulation: Simulation, records: int) -> list[InferenceEvent]:
    """Events into both partitions, in pieces that close panes; and metrics that fire and resolve."""
    rng = simulation.rng
    for deployment_id in (*KNOWN, *MEASURED):
        simulation.log.append(LAYOUT.name(Topic.DEPLOYMENTS), b"", announced(deployment_id))
    made: list[InferenceEvent] = []
    for partition in range(PARTITIONS):
        at = BASE - 3600.0
        for _ in range(records):
            at += rng.uniform(0.0, 12.0)
            deployment = rng.choice((*KNOWN, *KNOWN, STRANGER))
            batch = [event(len(made) + i, deployment, at, rng.uniform(0, 30)) for i in range(rng.randint(1, 4))]
            made += batch
            simulation.produce(Topic.EVENTS, partition, encode_record(batch))
        for step in range(records):
            simulation.produce(Topic.DRIFT, partition, encode_lines([_metric(rng, partition, step)]))
    return made


def _metric(rng: random.Random, partition: int, step: int) -> DriftMetric:
    state = rng.choice(("drift", "quiet"))
    at = BASE + 10 * step
    return drift(state, at, deployment_id=MEASURED[partition], since=to_text(at), newest_ts=to_text(at))


async def play(seed: int, steps: int = 500, records: int = 30) -> None:
    simulation = Simulation(seed)
    try:
        made = fill(simulation, records)
        await simulation.run(steps)
        await simulation.settle()
        assert_panes_exact(simulation, made)
        assert_windows_exact(simulation, made)
        assert_alerts_exact(simulation)
        assert_strangers_named_once(simulation, made)
    finally:
        await simulation.close()


def by_deployment(made: list[InferenceEvent]) -> Counter[str]:
    return Counter(one.deployment_id for one in made if one.deployment_id in KNOWN)


def assert_panes_exact(simulation: Simulation, made: list[InferenceEvent]) -> None:
    newest: dict[tuple[str, int, int, int], Pane] = {}
    for value in simulation.log.values(Topic.PANES):
        pane = panes.decode(value)
        key = (pane.deployment_id, pane.start, pane.partition, pane.segment)
        if key not in newest or pane.as_of >= newest[key].as_of:
            newest[key] = pane
    found: Counter[tuple[str, int]] = Counter()
    for pane in newest.values():
        assert sum(pane.counts) == pane.events == pane.requests
        found[pane.deployment_id, pane.start] += pane.events
    expected = Counter((one.deployment_id, _pane_start(one)) for one in made if one.deployment_id in KNOWN)
    assert found == expected


def _pane_start(one: InferenceEvent) -> int:
    return int(to_seconds(one.ts)) // panes.PANE_SECONDS * panes.PANE_SECONDS


def assert_windows_exact(simulation: Simulation, made: list[InferenceEvent]) -> None:
    found: Counter[str] = Counter()
    for owner in simulation.workers[0].agents["evaluating"].owners.values():
        for name, state in owner.windows.deployments.items():
            total = state.windows.total(WINDOWS[-1])
            found[name] += total.events
            assert int(total.counts.sum()) == total.events
    assert found == by_deployment(made)


def assert_alerts_exact(simulation: Simulation, but: Container[str] = ()) -> None:
    """What the rules say about the metrics as they stand in the topics, each change once by its id."""
    expected: dict[str, alerts.Alert] = {}
    for partition in range(PARTITIONS):
        engine = RuleEngine()
        metrics: list[DriftMetric | ServiceMetric] = []
        for topic, decode in ((Topic.DRIFT, decode_drift), (Topic.SERVICE, decode_service)):
            for _, value in simulation.log.records[LAYOUT.name(topic), partition]:
                metrics += decode(value)
        for metric in metrics:
            expected |= {change.change_id: change for change in engine.apply(metric)}
    found = [alerts.decode_alert(value) for value in simulation.log.values(Topic.ALERTS)]
    found = [change for change in found if change.rule not in but]
    assert expected
    assert {change.change_id: change for change in found} == expected


def assert_strangers_named_once(simulation: Simulation, made: list[InferenceEvent]) -> None:
    letters = {
        (letter.topic, letter.partition, letter.offset, letter.line): letter
        for letter in map(dead_letters.decode, simulation.log.values(Topic.DEAD_LETTERS))
    }
    assert {letter.reason for letter in letters.values()} <= {"unknown_deployment"}
    assert len(letters) == sum(one.deployment_id == STRANGER for one in made)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_comes_between_everything_counts_once(seed: int) -> None:
    asyncio.run(play(seed))
