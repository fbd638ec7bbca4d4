"""Whatever a reader still raises costs the one record: state stays exact, the worker goes on, an alert says so."""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from gateway.events import InferenceEvent, encode_record
from stream.alerting.rule_engine import Metric, RuleEngine
from stream.alerting.set_aside import RULE
from stream.contracts import alerts, dead_letters
from stream.contracts.metrics import decode_drift
from stream.contracts.panes import Pane
from stream.contracts.topics import Topic
from stream.delivery.alert_intake import read_alert
from stream.intake.events import ReadEvent
from stream.panes.open_pane import OpenPane, PackedPane
from stream.panes.partition_counter import PartitionCounter
from stream.windows.deployment_windows import DeploymentWindows
from stream.windows.evaluation import Evaluation, evaluation_steps
from stream.windows.partition_windows import PartitionWindows
from stream.windows.window import WINDOWS
from tests.support.simulation import BASE, LAYOUT, PARTITIONS, Simulation
from tests.unit.test_agents_rebalancing import KNOWN, assert_panes_exact, assert_windows_exact, event, fill


class UnforeseenError(Exception):
    """No code of ours knows it."""


async def play(seed: int, check: Callable[[Simulation, list[InferenceEvent]], None], steps: int = 300) -> None:
    simulation = Simulation(seed)
    try:
        made = fill(simulation, 30)
        await simulation.run(steps)
        await simulation.settle()
        check(simulation, made)
        await resolve(simulation)
    finally:
        await simulation.close()


def set_aside(simulation: Simulation) -> set[tuple[str, int, int]]:
    letters = map(dead_letters.decode, simulation.log.values(Topic.DEAD_LETTERS))
    return {(one.topic, one.partition, one.offset) for one in letters if one.reason == "set_aside"}


def told(simulation: Simulation) -> Counter[tuple[str, str]]:
    """Distinct changes of the alert, by topic and state."""
    found = {one.change_id: one for one in map(read_alert, simulation.log.values(Topic.ALERTS)) if one.rule == RULE}
    return Counter((one.series, one.state) for one in found.values())


async def resolve(simulation: Simulation) -> None:
    """Ten minutes later it is over."""
    simulation.log.late = 601.0
    await simulation.settle()
    changes = told(simulation)
    assert {topic: n for (topic, state), n in changes.items() if state == "firing"} == {
        topic: n for (topic, state), n in changes.items() if state == "resolved"
    }


@pytest.mark.parametrize("seed", range(6))
def test_an_event_that_cannot_be_counted_is_set_aside(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    add = PartitionCounter.add

    def failing(self: PartitionCounter, events: Sequence[ReadEvent], *rest: Any) -> None:
        add(self, events, *rest)  # half done is worse than not done
        if any(event.event_id.endswith("7") for event in events):
            raise UnforeseenError("a seven")

    monkeypatch.setattr(PartitionCounter, "add", failing)

    def check(simulation: Simulation, made: list[InferenceEvent]) -> None:
        poisoned = set()
        spared: list[InferenceEvent] = []
        for partition in range(PARTITIONS):
            for offset, (_, value) in enumerate(simulation.log.records[LAYOUT.name(Topic.EVENTS), partition]):
                events = msgspec.json.Decoder(InferenceEvent).decode_lines(value)
                if any(one.event_id.endswith("7") and one.deployment_id in KNOWN for one in events):
                    poisoned.add((LAYOUT.name(Topic.EVENTS), partition, offset))
                else:
                    spared += events
        assert poisoned
        assert len(spared) < len(made)
        assert set_aside(simulation) == poisoned
        assert_panes_exact(simulation, spared)
        assert_windows_exact(simulation, spared)
        assert told(simulation)[LAYOUT.name(Topic.EVENTS), "firing"] >= 1

    asyncio.run(play(seed, check))


@pytest.mark.parametrize("seed", range(6))
def test_a_pane_that_cannot_be_added_is_set_aside(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = PartitionWindows.apply

    def failing(self: PartitionWindows, pane: Pane, offset: int, size: int) -> None:
        apply(self, pane, offset, size)
        if pane.deployment_id == "d2":
            raise UnforeseenError("d2")

    monkeypatch.setattr(PartitionWindows, "apply", failing)

    def check(simulation: Simulation, made: list[InferenceEvent]) -> None:
        assert_panes_exact(simulation, made)
        assert_windows_exact(simulation, [one for one in made if one.deployment_id == "d1"])
        assert {topic for topic, _, _ in set_aside(simulation)} == {LAYOUT.name(Topic.PANES)}

    asyncio.run(play(seed, check))


@pytest.mark.parametrize("seed", range(6))
def test_a_metric_that_no_rule_can_judge_is_set_aside(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = RuleEngine.apply

    def failing(self: RuleEngine, metric: Metric, *rest: Any) -> Iterator[alerts.Alert]:
        yield from apply(self, metric, *rest)
        if metric.ts.endswith("3.000000Z") and metric.deployment_id == "x1":
            raise UnforeseenError("x1")

    monkeypatch.setattr(RuleEngine, "apply", failing)

    def check(simulation: Simulation, _made: list[InferenceEvent]) -> None:
        topic = LAYOUT.name(Topic.DRIFT)
        metrics = [decode_drift(value) for _, value in simulation.log.records[topic, 1]]
        poisoned = {(topic, 1, i) for i, found in enumerate(metrics) if found[0].deployment_id == "x1"}
        assert poisoned
        assert set_aside(simulation) == poisoned

    asyncio.run(play(seed, check))


def test_windows_that_cannot_be_evaluated_stop_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(windows: DeploymentWindows, *rest: Any) -> Generator[None, None, Evaluation]:
        if windows.identity.deployment_id == "d2":
            raise UnforeseenError("d2")
        return evaluation_steps(windows, *rest)

    monkeypatch.setattr("stream.windows.agent.evaluation_steps", failing)

    def check(simulation: Simulation, made: list[InferenceEvent]) -> None:
        assert_windows_exact(simulation, made)
        assert told(simulation)[LAYOUT.name(Topic.PANES), "firing"] >= 1

    asyncio.run(play(1, check))


@pytest.mark.parametrize("seed", range(3))
def test_a_state_that_can_be_written_no_more_loses_what_is_at_fault(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each flush would begin anew from the same state, for ever."""
    pack = OpenPane.pack
    broken: list[bool] = []

    def failing(self: OpenPane) -> PackedPane:
        if broken and self.identity.deployment_id == "d2":
            raise UnforeseenError("d2")
        return pack(self)

    monkeypatch.setattr(OpenPane, "pack", failing)

    async def play() -> None:
        simulation = Simulation(seed)
        try:
            made = fill(simulation, 20)
            await simulation.run(200)
            simulation.produce(Topic.EVENTS, 0, encode_record([event(9_999, "d2", BASE, 1.0)]))
            await simulation.settle()
            broken.append(True)
            late = [event(10_000 + number, "d1", BASE + number, 1.0) for number in range(20)]
            for one in late:
                simulation.produce(Topic.EVENTS, 0, encode_record([one]))
            await simulation.settle()
            spared = [one for one in [*made, *late] if one.deployment_id == "d1"]
            counter = simulation.workers[0].agents["counting"].owners[0].counter
            assert counter.next_offset == len(simulation.log.records[LAYOUT.name(Topic.EVENTS), 0])
            assert {pane.identity.deployment_id for pane in counter.open.values()} <= {"d1"}
            assert told(simulation)[LAYOUT.name(Topic.EVENTS), "firing"] >= 1
            windows = simulation.workers[0].agents["evaluating"].owners.values()
            states = [state for owner in windows if (state := owner.windows.deployments.get("d1"))]
            assert sum(state.windows.total(WINDOWS[-1]).events for state in states) == len(spared)
        finally:
            await simulation.close()

    asyncio.run(play())
