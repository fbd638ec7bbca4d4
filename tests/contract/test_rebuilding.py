"""A worker that needs its past, and a ClickHouse that is away or hangs: it says so, waits within bounds, goes on."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from faust.types import TP

from storage.clickhouse.migrate import migrate
from storage.clickhouse.ttl import Retention
from storage.history.clickhouse import ClickHouseHistory
from storage.sink.store import Store
from stream.exact.changelog import Damage
from stream.exact.table import ExactTable
from stream.intake.catalog import Catalog
from stream.prometheus import REBUILDS_FAILED
from stream.rebuilding import rebuilder
from stream.rebuilding.history import HistoryError
from stream.rebuilding.rebuilder import Rebuilding
from stream.windows.window import WINDOWS
from tests.support.clickhouse import RunningServer, start_clickhouse
from tests.support.past import Source, assert_equal, land, random_source, recounted, target_of
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

TARGET = target_of("d1")
PANES = "feature.panes"
ID = "A" * 22


class NewTable:
    """Of topics that were made just now: it holds nothing."""

    partitions = 1

    def values_of(self, _partition: int, _incarnation: bytes) -> tuple[dict[str, bytes], list[Damage]]:
        return {}, []


class Storage:
    """A ClickHouse that is started and stopped at one address, and a rebuilding that asks it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_ports(1)[0]
        self.dsn = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self.server: RunningServer | None = None
        self.history = ClickHouseHistory(self.dsn, "tidegate", events_id=ID, panes_id=ID, event_ttl_days=30)
        catalog = Catalog("nowhere:1", "deployments")
        catalog.targets["d1"] = TARGET
        table = cast(ExactTable, NewTable())
        self.past = Rebuilding(self.history, catalog, (PANES, table, ID), ((), table, ID), ID)

    def start(self) -> None:
        self.server = start_clickhouse(self._folder, ("--port", str(self.port)))

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            cast(Any, self.server.process.stdout).close()
            self.server = None

    def signal(self, number: int) -> None:
        assert self.server is not None
        os.kill(self.server.process.pid, number)

    def land(self) -> Source:
        rng = random.Random(3)
        source = random_source(rng, TARGET, "former", 0, time.time() - 3000)
        migrate(self.dsn, "tidegate", Retention(30, 180))
        store = Store(self.dsn, "tidegate")
        land(store, source, rng, panes_incarnation="former-panes")
        store.close()
        return source

    async def prepare(self) -> None:
        await self.past.prepare([TP(PANES, 0)])


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path / "ch")
    yield storage
    storage.history.close()
    storage.stop()


def failures() -> float:
    return float(REBUILDS_FAILED.labels("windows")._value.get())


def test_it_waits_for_a_clickhouse_that_is_away_and_goes_on_when_it_is_back(storage: Storage) -> None:
    storage.start()
    source = storage.land()
    storage.stop()
    before = failures()

    async def run() -> str | None:
        preparing = asyncio.create_task(storage.prepare())
        await asyncio.to_thread(wait_until, lambda: failures() >= before + 2, 60, "asking again")
        waited_for = await asyncio.to_thread(wait_until, lambda: storage.past.waits_for, 60, "saying so")
        await asyncio.to_thread(storage.start)
        await preparing
        return waited_for

    waited_for = asyncio.run(run())

    assert waited_for
    assert "windows, which are rebuilt from ClickHouse" in waited_for
    assert storage.past.waits_for is None
    windows = storage.past.windows(0).deployments["d1"].windows
    for window in WINDOWS:
        expected = recounted(TARGET, source.stored, windows.window_start(window), windows.window_end())
        assert_equal(windows.total(window), expected)
    assert windows.total(WINDOWS[-1]).events > 0


def test_it_ends_with_the_reason_when_clickhouse_stays_away(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilder, "PATIENCE_S", 0.7)
    before = failures()

    with pytest.raises(HistoryError, match="ClickHouse does not tell"):
        asyncio.run(storage.prepare())

    assert failures() >= before + 2, "it was asked once only"
    assert storage.past.waits_for is None


def test_it_does_not_wait_for_ever_for_a_clickhouse_that_hangs(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilder, "LONGEST_S", 1.0)
    storage.start()
    storage.signal(signal.SIGSTOP)

    async def run() -> None:
        try:
            await storage.prepare()
        finally:
            storage.signal(signal.SIGCONT)

    with pytest.raises(HistoryError, match="TIDEGATE_REBUILD_WINDOWS=false"):
        asyncio.run(run())
