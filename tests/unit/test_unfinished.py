"""How far a consumer may commit while records finish in any order."""

import random

from stream.delivery.unfinished import Unfinished


def test_the_commit_never_passes_an_unfinished_record() -> None:
    records = Unfinished()
    for offset in (3, 4, 7):  # a topic may have gaps
        records.begin(0, offset)
    records.finish(0, 4)
    assert records.committable() == {0: 3}
    records.committed({0: 3})
    assert records.committable() == {}
    records.finish(0, 3)
    assert records.committable() == {0: 7}
    records.finish(0, 7)
    assert records.committable() == {0: 8}
    assert records.empty()


def test_partitions_are_committed_on_their_own() -> None:
    records = Unfinished()
    records.begin(0, 10)
    records.begin(1, 5)
    records.finish(1, 5)
    assert records.committable() == {0: 10, 1: 6}


def test_what_was_taken_away_is_neither_committed_nor_waited_for() -> None:
    records = Unfinished()
    records.begin(0, 10)
    records.forget(0)
    records.finish(0, 10)
    assert records.committable() == {}
    assert records.empty()
    records.begin(0, 4)
    records.finish(0, 4)
    assert records.committable() == {0: 5}


def test_in_random_order_it_is_always_the_first_unfinished() -> None:
    seeded = random.Random(11)
    records, still_open = Unfinished(), set(range(200))
    for offset in range(200):
        records.begin(2, offset)
    for offset in seeded.sample(range(200), 200):
        records.finish(2, offset)
        still_open.remove(offset)
        first = min(still_open, default=200)
        assert records.committable() == ({2: first} if first else {})
