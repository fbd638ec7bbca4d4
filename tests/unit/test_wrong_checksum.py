"""A message of our own that changed on its way and still decodes: nothing of it counts, and a dead letter says so."""

import asyncio
import base64

from stream.contracts import alerts, dead_letters, panes
from stream.contracts.panes import Pane
from stream.contracts.sealed import SEALED_VERSION
from stream.contracts.topics import Topic
from tests.support.simulation import LAYOUT, PARTITIONS, Simulation
from tests.support.sink_samples import unsealed
from tests.unit.test_agents_rebalancing import assert_windows_exact, fill


def another(value: bytes, name: bytes, digits: bytes) -> bytes:
    """The message with another number in a field. Its checksum is what it was."""
    before, _, rest = value.partition(b'"%b":' % name)
    return before + b'"%b":%b,' % (name, digits) + rest.partition(b",")[2]


async def play() -> None:
    simulation = Simulation(5)
    try:
        made = fill(simulation, 20)
        await simulation.run(200)
        await simulation.settle()
        told = len(simulation.log.values(Topic.ALERTS))
        wrong = set()
        for topic, field in ((Topic.PANES, b"events"), (Topic.DRIFT, b"n")):
            for partition in range(PARTITIONS):
                newest = simulation.log.records[LAYOUT.name(topic), partition][-1][1]
                changed = another(another(newest, b"as_of", b"999999") if topic is Topic.PANES else newest, field, b"7")
                assert unsealed(changed) != unsealed(newest)
                wrong.add((LAYOUT.name(topic), partition, len(simulation.log.records[LAYOUT.name(topic), partition])))
                simulation.produce(topic, partition, changed)
        await simulation.settle()
        assert_windows_exact(simulation, made)
        assert len(simulation.log.values(Topic.ALERTS)) == told
        letters = map(dead_letters.decode, simulation.log.values(Topic.DEAD_LETTERS))
        found = [letter for letter in letters if letter.reason == "wrong_checksum"]
        assert {(letter.topic, letter.partition, letter.offset) for letter in found} == wrong
        for letter in found:
            raw = simulation.log.records[letter.topic, letter.partition][letter.offset][1]
            assert base64.b64decode(letter.head) == raw[: dead_letters.KEPT_BYTES]
    finally:
        await simulation.close()


def test_it_costs_itself() -> None:
    asyncio.run(play())


async def upgrade() -> None:
    simulation = Simulation(6)
    try:
        made = fill(simulation, 20)
        await simulation.run(200)
        for topic in (Topic.PANES, Topic.DRIFT, Topic.DEPLOYMENTS):
            for partition in range(PARTITIONS):
                records = simulation.log.records[LAYOUT.name(topic), partition]
                records[:] = [(key, unsealed(value)) for key, value in records]
        await simulation.settle()
        assert_windows_exact(simulation, made)
        found: list[Pane] = [panes.decode(value) for value in simulation.log.values(Topic.PANES)]
        assert {pane.v for pane in found} == {1, SEALED_VERSION}
        assert {alerts.decode_alert(value).v for value in simulation.log.values(Topic.ALERTS)} == {SEALED_VERSION}
    finally:
        await simulation.close()


def test_what_a_running_installation_holds_is_read() -> None:
    """Its topics have messages of before there were checksums."""
    asyncio.run(upgrade())
