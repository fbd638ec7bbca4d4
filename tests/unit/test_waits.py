"""`tidegate status` says what a consumer waits for: which partition cannot land, and why."""

import json
from pathlib import Path

from storage.sink.partition import Partition, Start, State
from stream.contracts.topics import Topic
from tests.support.ports import free_ports
from tidegate import monitor
from tidegate.cli.commands.status import _as_json
from tidegate.cli.consumer_lag import consumer_ports
from tidegate.cli.waits import consumer_waits
from tidegate.parts.state import Condition, PartState, Phase, StackState
from tidegate.settings import Settings

REASON = "inference.events [2]: Code: 241. Memory limit exceeded"


def test_it_is_asked_of_each_consumer_and_stands_in_what_is_shown(tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path, "monitor_port": free_ports(1)[0]})
    server = monitor.serve(consumer_ports(settings)["sink"], lambda: REASON)
    try:
        waits = consumer_waits(settings)
    finally:
        server.shutdown()
        server.server_close()
    assert waits == {"sink": REASON}, "those that do not answer are missing"
    parts = tuple(PartState(name=name, condition=Condition.READY, since=0.0) for name in ("sink", "notifier"))
    state = StackState(pid=1, phase=Phase.RUNNING, since=0.0, parts=parts)
    shown = json.loads(json.dumps(_as_json(settings, state, {"supervisor": 1.0}, {}, waits)))
    assert [part["waits_for"] for part in shown["parts"]] == [REASON, None]


def test_a_partition_waits_until_it_lands_again() -> None:
    partition = Partition(Topic.EVENTS, "inference.events", 2, "inference_events")
    assert (partition.state, partition.waits) == (State.STARTING, True)
    partition.begin(Start("id", None, 0))
    assert not partition.waits
    partition.failed("away")
    assert (partition.waits, partition.reason) == (True, "away")
