"""Windows rebuilt from ClickHouse equal a recount of the events in it, wherever the landing was cut."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from storage.clickhouse.migrate import migrate
from storage.clickhouse.ttl import Retention
from storage.history.clickhouse import ClickHouseHistory
from storage.sink.store import Store
from stream.intake.targets import Target
from stream.rebuilding.windows import rebuild
from stream.windows.window import WINDOWS
from tests.support.clickhouse import clickhouse_server
from tests.support.past import (
    LABELLED,
    PROFILE,
    Source,
    assert_equal,
    land,
    land_panes,
    random_source,
    recounted,
    target_of,
)

DATABASE = "tidegate"
SEEDS = range(24)


class Landed(NamedTuple):
    store: Store
    history: ClickHouseHistory
    targets: dict[str, Target]
    sources: dict[str, list[Source]]
    """Of former incarnations, by deployment."""


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    with clickhouse_server(Path(tmp_path_factory.mktemp("ch")) / "data") as server:
        migrate(server.url, DATABASE, Retention(30, 180))
        store = Store(server.url, DATABASE)
        history = ClickHouseHistory(server.url, DATABASE, events_id="now", panes_id="now-panes", event_ttl_days=30)
        targets = {f"d{seed}": target_of(f"d{seed}", LABELLED if seed % 4 == 3 else PROFILE) for seed in SEEDS}
        sources = {name: _land(store, target, seed) for seed, (name, target) in enumerate(targets.items())}
        yield Landed(store, history, targets, sources)
        history.close()
        store.close()


def _land(store: Store, target: Target, seed: int) -> list[Source]:
    """Two former incarnations of two partitions, the second after or over the first; and the one that goes on now.

    Some panes come twice, and the last ones of the former incarnations to the new topic.
    """
    rng = random.Random(seed)
    begin = time.time() - rng.choice([4_000, 30_000, 200_000])
    later = begin + rng.choice([0, 45, 20_000])
    former = []
    for life, at in enumerate((begin, later)):
        incarnation = f"{target.identity.deployment_id}-{life}"
        sources = [random_source(rng, target, incarnation, partition, at) for partition in range(2)]
        for source in sources:
            land(store, source, rng, panes_incarnation=f"{incarnation}-panes")
        again = [pane for source in sources for pane in source.panes[rng.randint(0, len(source.panes)) :]]
        land_panes(store, again, rng, incarnation=f"{incarnation}-panes")
        former += sources
    late = [pane for source in former for pane in source.late]
    land_panes(store, late, rng, incarnation="now-panes")
    land(store, random_source(rng, target, "now", seed, later), rng, panes_incarnation="now-panes")
    return former


def test_every_window_equals_a_recount_of_what_landed(landed: Landed) -> None:
    landed.history.settle()

    rebuilt = rebuild(landed.history, landed.targets)

    for name, sources in landed.sources.items():
        events = [event for source in sources for event in source.stored]
        if name not in rebuilt:
            assert not events
            continue
        windows = rebuilt[name].windows
        for window in WINDOWS:
            expected = recounted(landed.targets[name], events, windows.window_start(window), windows.window_end())
            assert_equal(windows.total(window), expected)
    assert sum(len(state.windows.slots) for state in rebuilt.values()) > 300, "this is about nothing"
