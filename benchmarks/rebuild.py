"""Seconds from a ClickHouse that holds a day of traffic to the windows of its deployment."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.report import Figure, Table
from benchmarks.run import Run
from storage.clickhouse.client import connect
from storage.clickhouse.migrate import migrate
from storage.clickhouse.ttl import Retention
from storage.history.clickhouse import ClickHouseHistory
from stream.contracts.identity import Identity
from stream.histograms.binning import Binner
from stream.intake.targets import Target
from stream.profiles.build import build_profile
from stream.profiles.profile import Profile
from stream.rebuilding.windows import rebuild
from stream.windows.window import WINDOWS
from tests.support.clickhouse import clickhouse_server

FEATURES = 20
PARTITIONS = 4
A_SECOND = 20
WRITINGS = 11
"""Of a pane: once a second while it is open, and when it is closed."""
HOUR_S = 3600
TAIL_S = 60
"""Of the day's end: events without panes, as a killed broker leaves them."""
KEPT = Retention(events=36_500, metrics=36_500)


def measure(run: Run) -> Iterator[Table]:
    hours = run.choose(2, 24)
    profile = _profile()
    target = Target(Identity("default", "m", 1, "d1"), profile.id, Binner(profile), profile.size, 0)
    with clickhouse_server(run.scratch / "clickhouse") as server:
        migrate(server.url, "day", KEPT)
        end = int(time.time()) // 600 * 600
        _fill(connect(server.url, "day"), profile, end, hours)
        seconds = tuple(_rebuild(server.url, target, end, hours) for _ in range(run.repetitions))
    events = hours * HOUR_S * A_SECOND
    yield Table(
        f"Rebuild: windows of {hours} h of traffic from the embedded ClickHouse",
        f"One deployment, {FEATURES} features, {A_SECOND} events/s: {events:,} events, panes of 10 s from {PARTITIONS} "
        f"partitions, each written {WRITINGS} times; the last {TAIL_S} s have events and no panes. Until the windows "
        "1m, 5m, 1h and 24h are there, compared with the number of events.",
        [Figure("rebuild", seconds, "s")],
    )


def _profile() -> Profile:
    rng = np.random.default_rng(7)
    columns = {f"f{number}": rng.normal(size=2000).tolist() for number in range(FEATURES)}
    return build_profile(columns, {"prediction": rng.random(2000).tolist()}, model="m", version=1)


def _rebuild(dsn: str, target: Target, end: int, hours: int) -> float:
    history = ClickHouseHistory(dsn, "day", events_id="now", panes_id="now", event_ttl_days=KEPT.events)
    began = time.perf_counter()
    windows = rebuild(history, {"d1": target})["d1"].windows
    seconds = time.perf_counter() - began
    history.close()
    for window in WINDOWS:
        found = windows.total(window).events
        expected = (end - max(windows.window_start(window), end - hours * HOUR_S)) * A_SECOND
        if found != expected:
            raise RuntimeError(f"{window.name} holds {found:,} events, {expected:,} were stored")
    return seconds


def _fill(client: Any, profile: Profile, end: int, hours: int) -> None:
    """Hour by hour, in parts of the size that merges leave."""
    for hour in range(hours):
        begin = end - (hours - hour) * HOUR_S
        for writing in range(1, WRITINGS + 1):
            client.command(_panes(profile, begin, min(begin + HOUR_S, end - TAIL_S), writing))
        client.command(_events(begin, begin + HOUR_S, with_values=hour == hours - 1))
    client.close()


def _panes(profile: Profile, begin: int, end: int, writing: int) -> str:
    """Of an hour. Half of the bins that its rows could fill are filled."""
    closed = writing == WRITINGS
    rows = 10 * A_SECOND // PARTITIONS * min(writing, WRITINGS - 1) // (WRITINGS - 1)
    filled = min(0.9, rows / 120)
    columns = (
        "workspace, model, version, deployment_id, profile_id, start, topic_id, partition, segment, as_of, closed, "
        "closed_at, closes_at, newest_ts, events, requests, failed, latency_bins, latency_counts, latency_sum_ms, "
        "bins, counts, sums, _topic_id, _partition, _first_offset, _last_offset, _landed_at, _day"
    )
    return f"""
        INSERT INTO feature_panes ({columns})
        WITH {begin} + intDiv(number, {PARTITIONS}) * 10 AS second, number % {PARTITIONS} AS source,
            arrayFilter(i -> cityHash64(i, second, source) % 1000 < {int(1000 * filled)}, range({profile.size})) AS used
        SELECT 'default', 'm', 1, 'd1', '{profile.id}', toDateTime(second, 'UTC'), 'before', source, second,
            second + {writing}, {int(closed)}, if({int(closed)}, second + 30, -1), second + 30,
            toDateTime64(second + 9, 6, 'UTC'), {rows}, {rows}, 0, range(20), arrayMap(i -> toUInt32(i), range(20)),
            12.5, used, arrayMap(i -> 1 + cityHash64(i, second) % 3, used),
            arrayMap(i -> cityHash64(i, source) / 1e18, used),
            'before', 0, 0, 0, now(), toDate(toDateTime(second, 'UTC'))
        FROM numbers({(end - begin) // 10 * PARTITIONS})
        SETTINGS max_block_size = 2048, min_insert_block_size_bytes = 300000000
    """  # noqa: S608  numbers and names of ours


def _events(begin: int, end: int, *, with_values: bool) -> str:
    """Of an hour. What is not read, features before the last hour, is left out."""
    values = ", ".join(f"'f{number}', toString(randNormal(0, 1, {number}))" for number in range(FEATURES))
    features = f"map({values})" if with_values else "map()"
    columns = (
        "event_id, request_id, `row`, ts, workspace, model, version, deployment_id, role, status, latency_ms, "
        "batch_size, features, prediction, _topic_id, _partition, _first_offset, _last_offset, _landed_at, _day"
    )
    return f"""
        INSERT INTO inference_events ({columns})
        SELECT toString(number), '', 0, toDateTime64({begin} + number / {A_SECOND}, 6, 'UTC'), 'default', 'm', 1, 'd1',
            'primary', 200, 2.5, 1, {features}, '0.5', 'before', number % {PARTITIONS}, 0, 0, now(),
            toDate(toDateTime({begin}, 'UTC'))
        FROM numbers({(end - begin) * A_SECOND})
    """  # noqa: S608  numbers and names of ours
