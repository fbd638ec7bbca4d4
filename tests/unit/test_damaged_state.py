"""Values of the changelogs that were damaged: what they held is made again, or the one before holds; and it is told."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest

from gateway.events import InferenceEvent
from stream.alerting.set_aside import RULE
from stream.contracts import dead_letters
from stream.contracts.topics import Topic
from stream.delivery.alert_intake import read_alert
from stream.exact.changelog import Changelog, pack_value
from stream.exact.kept_twice import newest
from stream.exact.sealing import HEADER, open_record, seal
from stream.windows.partition_windows import POSITION
from tests.support.mutations import mutated
from tests.support.simulation import PARTITIONS, SimulatedWorker, Simulation
from tests.unit.test_agents_rebalancing import assert_alerts_exact, assert_panes_exact, assert_windows_exact, fill

Choice = Callable[[bytes], bool]


def compact(simulation: Simulation) -> None:
    """What a compacted topic keeps: the last record of each key."""
    for place, records in simulation.log.changelogs.items():
        last = dict(records)
        simulation.log.changelogs[place] = [(key, record) for key, record in last.items() if record is not None]


def damage(simulation: Simulation, table: str, choose: Choice) -> int:
    """Mutate the last record of one key in each partition, among those that `choose` takes."""
    done = 0
    for partition in range(PARTITIONS):
        records = simulation.log.changelogs[table, partition]
        last = {key: index for index, (key, _) in enumerate(records)}
        chosen = [index for key, index in last.items() if choose(key) and records[index][1] is not None]
        if not chosen:
            continue
        index = simulation.rng.choice(chosen)
        key, record = records[index]
        assert record is not None
        records[index] = (key, mutated([record], simulation.rng))
        done += records[index][1] != record
    return done


def furthest(simulation: Simulation, table: str) -> Choice:
    """Of values that are kept twice the newer one: the one that matters."""
    newer = set()
    for partition in range(PARTITIONS):
        records = [(key, record) for key, record in simulation.log.changelogs[table, partition] if record is not None]
        newer.add((partition, max(records, key=lambda item: HEADER.unpack_from(item[1])[1])[0]))
    return lambda key: any(key == own for _, own in newer)


async def start_again(simulation: Simulation) -> None:
    """Another process takes all of it up."""
    simulation.workers[0] = SimulatedWorker(simulation.log)
    await simulation.settle()


def letters(simulation: Simulation) -> Counter[str]:
    found = map(dead_letters.decode, simulation.log.values(Topic.DEAD_LETTERS))
    return Counter(one.topic for one in found if one.reason == "set_aside")


def assert_exact(simulation: Simulation, made: list[InferenceEvent]) -> None:
    assert_panes_exact(simulation, made)
    assert_windows_exact(simulation, made)
    assert_alerts_exact(simulation, but={RULE})


async def play(seed: int, table: str, choose: Callable[[Simulation], Choice], *, compacted: bool) -> None:
    simulation = Simulation(seed)
    changelog = simulation.changelog_of(table)
    try:
        made = fill(simulation, 25)
        await simulation.run(250)
        await simulation.settle()
        if compacted:
            compact(simulation)
        done = damage(simulation, table, choose(simulation))
        assert done
        await start_again(simulation)
        assert_exact(simulation, made)
        assert letters(simulation)[changelog] >= done
        told = [one for one in map(read_alert, simulation.log.values(Topic.ALERTS)) if one.rule == RULE]
        assert {(one.series, one.state) for one in told} == {(changelog, "firing")}
        before = letters(simulation)
        await start_again(simulation)
        assert_exact(simulation, made)
        assert letters(simulation) == before, "what was healed is whole"
    finally:
        await simulation.close()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("compacted", [True, False])
@pytest.mark.parametrize("table", ["counting", "alerting"])
def test_of_a_state_that_is_one_value_the_one_before_holds(seed: int, table: str, compacted: bool) -> None:
    asyncio.run(play(seed, table, lambda simulation: furthest(simulation, table), compacted=compacted))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["slot|", "deployment|", POSITION, ""])
def test_windows_are_made_again_from_panes(seed: int, kind: str) -> None:
    def of_kind(_: Simulation) -> Choice:
        return lambda key: key[2:].decode().startswith(kind)

    asyncio.run(play(seed, "evaluating", of_kind, compacted=bool(seed % 2)))


def test_whatever_is_done_to_a_record_it_is_whole_or_damaged() -> None:
    """Never another state: 20,000 mutants."""
    dice = random.Random(5)
    log = Changelog({})
    value = pack_value(b"i" * 16, 41, dice.randbytes(40) + b"0123456789" * 30)
    ((key, record),), _ = log.split(0, "deployment|d1", value)
    for _ in range(20_000):
        mutant = mutated([record], dice)
        log = Changelog({})
        log.take(0, 7, key, mutant)
        values, damage = log.values_of(0, b"i" * 16)
        if mutant == record:
            assert values == {"deployment|d1": value[HEADER.size :]}
        else:
            assert values == {}
            (found,) = damage
            assert (found.name, found.offset, found.raw) == ("deployment|d1", 7, mutant)


def test_a_record_under_another_key_is_damaged() -> None:
    log = Changelog({})
    ((key, record),), _ = log.split(0, "slot|10|0|d1", pack_value(b"i" * 16, 1, b"x"))
    for other in (b"0/slot|10|0|d2", b"0/position", b"1/slot|10|0|d1", b"0/\xff", b"", b"0/slot|10|0|d1\x00a0"):
        log = Changelog({})
        log.take(0, 0, other, record)
        assert log.data == {}
        assert len(log.damaged(0)) == 1
    assert key == b"0/slot|10|0|d1"


def test_a_record_of_before_there_were_checksums_is_read() -> None:
    log = Changelog({})
    ((key, record),), _ = log.split(0, "", pack_value(b"i" * 16, 1, b"state"))
    piece = b"\x01" + open_record(key, record)[1:]
    for former, payload in ((piece, b"state"), (b"\x93\x07\x00\xa0", b"\x93\x07\x00\xa0")):
        log = Changelog({})
        log.take(0, 0, key, record[: HEADER.size] + former)
        assert log.values_of(0, b"i" * 16) == ({"": payload}, [])


def test_a_value_of_another_version_is_damage_and_the_other_one_holds() -> None:
    def unpack(value: bytes) -> int:
        return int(value)

    found = newest({"": b"12", "1": b"version 9"}, [], unpack, lambda number: (number,))
    assert (found.state, found.next_name) == (12, "1")
    assert [(one.name, one.raw) for one in found.damage] == [("1", b"version 9")]


def test_a_sealed_value_that_does_not_unpack_is_named() -> None:
    key, header = b"0/slot|10|0|d1", HEADER.pack(b"i" * 16, 1)
    log = Changelog({})
    log.take(0, 0, key, seal(key, header, b"\x02\x00\x00\x00\x01\x00\x00\x00\x01no frame"))
    values, damage = log.values_of(0, b"i" * 16)
    assert values == {"slot|10|0|d1": b""}
    assert [one.name for one in damage] == ["slot|10|0|d1"]


@pytest.mark.parametrize(
    ("table", "words"),
    [("counting", "no other can be read"), ("alerting", "no other can be read"), ("evaluating", "fresh judgements")],
)
def test_the_letter_says_what_is_lost(table: str, words: str) -> None:
    """Also where both copies are damaged, and nobody knows what the last evaluation left."""

    async def play_all() -> list[str]:
        simulation = Simulation(3)
        try:
            fill(simulation, 25)
            await simulation.run(250)
            await simulation.settle()
            for (changelog, _), records in simulation.log.changelogs.items():
                if changelog == table:
                    records[:] = [(key, record and record[:-1]) for key, record in records]
            await start_again(simulation)
            found = map(dead_letters.decode, simulation.log.values(Topic.DEAD_LETTERS))
            return [one.detail for one in found if one.topic == simulation.changelog_of(table)]
        finally:
            await simulation.close()

    details = asyncio.run(play_all())
    assert details
    assert all(words in detail for detail in details)
