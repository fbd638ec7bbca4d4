"""A pane of topics that are no more is in a rebuilt state already: whoever still sends it changes nothing."""

import asyncio

import pytest

from stream.broker.incarnations import topic_id_bytes
from stream.contracts.identity import Identity
from stream.contracts.panes import Pane, encode
from stream.contracts.timestamps import to_text
from stream.contracts.topics import Topic
from stream.exact.changelog import pack_value
from stream.panes.totals import Totals
from stream.prometheus import PANES_PASSED
from stream.windows.deployment_windows import DeploymentWindows
from stream.windows.partition_windows import DeploymentState, PartitionWindows
from stream.windows.window import WINDOWS
from tests.support.simulation import BASE, LAYOUT, TOPIC_ID, Simulation
from tests.unit.test_agents_rebalancing import PROFILE, announced

FORMER = "B" * 22
PAST, NOW = 7, 5
START = int(BASE) // 10 * 10


def pane(topic_id: str, offset: int) -> bytes:
    return encode(
        Pane(
            workspace="default",
            model="d1",
            version=1,
            deployment_id="d1",
            profile_id=PROFILE.id,
            start=START,
            topic_id=topic_id,
            partition=0,
            segment=offset,
            as_of=offset,
            closed=True,
            closed_at=offset,
            closes_at=START + 30.0,
            newest_ts=to_text(BASE),
            events=NOW,
            requests=NOW,
            failed=0,
            latency_bins=[1],
            latency_counts=[NOW],
            latency_sum_ms=1.0,
            bins=[],
            counts=[],
            sums=[],
        )
    )


def rebuilt(rebuilt_for: str) -> PartitionWindows:
    """With PAST events of the pane that is sent again."""
    windows = DeploymentWindows(Identity("default", "d1", 1, "d1"), newest_start=START)
    totals = Totals.empty(PROFILE.id, PROFILE.size)
    totals.events = totals.requests = PAST
    for key in windows.slot_keys(START):
        windows.add_past(key, totals)
    return PartitionWindows(deployments={"d1": DeploymentState(windows)}, rebuilt_for=rebuilt_for)


async def play(rebuilt_for: str) -> int:
    """Events of the longest window after a pane of the former topic and one of this."""
    simulation = Simulation(1, workers=1)
    try:
        simulation.log.append(LAYOUT.name(Topic.DEPLOYMENTS), b"", announced("d1"))
        for name, payload in rebuilt(rebuilt_for).changes():
            assert payload is not None
            value = pack_value(topic_id_bytes(TOPIC_ID), -1, payload)
            simulation.workers[0].tables["evaluating"].put(0, name, value)
        simulation.produce(Topic.PANES, 0, pane(FORMER, 900))
        simulation.produce(Topic.PANES, 0, pane(TOPIC_ID, 3))
        await simulation.settle()
        owner = simulation.workers[0].agents["evaluating"].owners[0]
        return int(owner.windows.deployments["d1"].windows.total(WINDOWS[-1]).events)
    finally:
        await simulation.close()


@pytest.mark.parametrize(("rebuilt_for", "passed"), [(TOPIC_ID, 1), ("", 0)])
def test_a_pane_of_the_former_topic_is_passed_over_where_the_state_was_rebuilt(rebuilt_for: str, passed: int) -> None:
    """A state that was not rebuilt has seen nothing of it but what came here."""
    before = PANES_PASSED._value.get()

    events = asyncio.run(play(rebuilt_for))

    assert events == PAST + NOW * (2 - passed)
    assert PANES_PASSED._value.get() == before + passed
