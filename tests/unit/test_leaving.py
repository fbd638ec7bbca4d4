"""How long events of a deployment that ended are counted."""

import asyncio
import random

import pytest

from gateway.events import encode_record
from stream.contracts.deployments import RETIRED, DeploymentRecord, encode
from stream.contracts.topics import Topic
from stream.intake import leaving as leaving_module
from stream.intake.leaving import GRACE_S, Leaving
from tests.support.simulation import BASE, LAYOUT, Log, SimulatedWorker
from tests.support.sink_samples import event, moment


def test_it_is_over_when_all_that_was_there_a_grace_later_was_read() -> None:
    leaving = Leaving()
    assert leaving.due({"d"}, 100.0) == []
    assert leaving.due({"d"}, 99.9 + GRACE_S) == [], "its events may be on their way"
    assert leaving.over({0: 60, 1: 7}) == []
    assert leaving.due({"d"}, 100.0 + GRACE_S) == ["d"]
    assert leaving.due({"d"}, 101.0 + GRACE_S) == ["d"], "nobody could say where the partitions end"
    leaving.set_goals(["d"], {0: 70, 1: 7})
    assert leaving.due({"d"}, 102.0 + GRACE_S) == []
    assert leaving.over({0: 69, 1: 7}) == []
    assert leaving.over({0: 70, 1: 7}) == ["d"], "traffic of others goes on"


def test_a_partition_that_was_taken_away_is_waited_for_by_whoever_has_it() -> None:
    leaving = Leaving()
    leaving.due({"d"}, 0.0)
    leaving.set_goals(leaving.due({"d"}, GRACE_S), {0: 50, 1: 7})
    assert leaving.over({1: 7}) == ["d"]


def test_a_partition_that_comes_starts_the_wait_anew() -> None:
    leaving = Leaving()
    leaving.due({"d"}, 0.0)
    leaving.set_goals(leaving.due({"d"}, GRACE_S), {})
    leaving.start_anew()
    assert leaving.over({0: 0}) == []
    assert leaving.due({"d"}, GRACE_S) == []
    assert leaving.due({"d"}, 2 * GRACE_S) == ["d"]


def test_a_goal_that_was_asked_for_before_a_partition_came_is_none() -> None:
    leaving = Leaving()
    leaving.due({"d"}, 0.0)
    due = leaving.due({"d"}, GRACE_S)
    leaving.start_anew()
    leaving.set_goals(due, {})
    assert leaving.over({0: 0}) == []


def test_what_stands_in_a_partition_that_nothing_was_fetched_of_is_counted_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The broker says where it ends: the last fetch, of before, does not know of these events."""
    monkeypatch.setattr(leaving_module, "GRACE_S", 0.0)
    announced = DeploymentRecord(
        deployment_id="d1", workspace="default", model="m", version=1, ts=moment(BASE), action="live", profile=None
    )
    ended = DeploymentRecord(
        deployment_id="d1", workspace="default", model="m", version=1, ts=moment(BASE), action=RETIRED, profile=None
    )

    async def run() -> None:
        log = Log(random.Random(0), hasty=True)
        worker = SimulatedWorker(log)
        worker.catalog.take(encode(announced))
        worker.assign("counting", 0)
        place = (LAYOUT.name(Topic.EVENTS), 0)
        for number in range(3):
            value = encode_record([event(number, moment(BASE), "m")])
            log.records[place].append((b"", value))
        worker.catalog.take(encode(ended))

        for left in range(3, 0, -1):
            await worker.agents["counting"].flush()
            assert "d1" in worker.catalog.targets, f"{left} of its events are not read"
            worker.deliver(place)
            for _ in range(20):  # turns of the loop, in which the agent takes it
                await asyncio.sleep(0)
        await worker.agents["counting"].flush()

        assert "d1" not in worker.catalog.targets
        assert not log.values(Topic.DEAD_LETTERS)
        for task in worker.tasks.values():
            task.cancel()

    asyncio.run(run())
