"""From an event to its row of drift metrics in ClickHouse, on the whole stack."""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import uvloop

from benchmarks.deploying import deploy_regression
from benchmarks.report import Figure, Table, quantile
from benchmarks.run import Run
from benchmarks.steady import Sent, send_steadily
from storage.clickhouse.client import connect
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until

EVENTS_A_SECOND = 1000
ROWS = 10
"""Instances a request: 100 requests a second."""
WARM_S = 5.0
"""Events of the first seconds are left out: the first window of a deployment needs a moment."""
POLL_S = 0.05
AFTER_S = 30.0
"""The last event's row may take so long."""
NEWEST = "SELECT toUnixTimestamp64Micro(max(newest_ts)) FROM drift_metrics WHERE model = {model:String}"
EVENTS = "SELECT toUnixTimestamp64Micro(ts) FROM inference_events WHERE model = {model:String} ORDER BY ts"


@dataclass
class DriftRowTimes:
    """What a reader saw in `drift_metrics`: ascending in both. Seconds since the epoch."""

    at: list[float] = field(default_factory=list)
    newest: list[float] = field(default_factory=list)

    def delay(self, ts: float) -> float:
        """From an event's time to the first answer whose newest event is not older. Raises IndexError before it."""
        return self.at[bisect_left(self.newest, ts)] - ts


def measure(run: Run) -> Iterator[Table]:
    """One table."""
    seconds = run.choose(30, 60)
    with running_stack(run.scratch) as stack:
        model = deploy_regression(stack, run.scratch / "model")
        with _watching(stack, model) as seen:
            sent = uvloop.run(send_steadily(stack, model, EVENTS_A_SECOND // ROWS, ROWS, seconds))
            times = _landed(stack, model, sent)
            wait_until(lambda: seen.newest and seen.newest[-1] >= times[-1], AFTER_S, "the last event's drift row", 0.1)
    counted = [ts for ts in times if ts >= times[0] + WARM_S]
    delays = [seen.delay(ts) for ts in counted]
    settings = stack.settings
    yield Table(
        "From an event to its drift metrics in ClickHouse",
        f"`tidegate up`, one model of 20 features; {EVENTS_A_SECOND // ROWS} requests/s of {ROWS} rows each for "
        f"{seconds} s. ClickHouse is asked every {POLL_S * 1000:.0f} ms for max(newest_ts) in drift_metrics. Delay of "
        "an event = time of the first answer that is not older than it, minus the event's own ts (when the gateway "
        f"received it, as stored in inference_events); for every event after the first {WARM_S:.0f} s. Of it "
        f"{settings.flush_s:g} s, {settings.evaluate_s:g} s and {settings.sink_flush_s:g} s are the intervals of "
        "writing panes, of evaluating and of landing.",
        [
            Figure(label, (quantile(delays, q),), "s", "p50")
            for label, q in (("p50", 0.5), ("p99", 0.99), ("most", 1.0))
        ],
        _notes(sent, times, counted, seen),
    )


def _notes(sent: Sent, times: list[float], counted: list[float], seen: DriftRowTimes) -> list[str]:
    pace = np.diff(seen.at)
    return [
        f"{sent.rows:,} events were sent at {sent.rows / sent.seconds:,.0f} a second and answered with 200; "
        f"{len(times):,} are in inference_events; {len(counted):,} were counted.",
        f"Time to the answer of a request: p50 {quantile(sent.latencies_s, 0.5) * 1000:.1f} ms, "
        f"p99 {quantile(sent.latencies_s, 0.99) * 1000:.1f} ms.",
        f"The reader's answers came {np.median(pace) * 1000:.0f} ms apart (at most {pace.max() * 1000:.0f} ms).",
    ]


def _landed(stack: RunningStack, model: str, sent: Sent) -> list[float]:
    """The times of all events, once all have landed. Seconds since the epoch, ascending."""
    client = connect(stack.settings.clickhouse_dsn, stack.settings.clickhouse_database)

    def times() -> list[float] | None:
        rows = client.query(EVENTS, parameters={"model": model}).result_rows
        return [micros / 1e6 for (micros,) in rows] if len(rows) >= sent.rows else None

    try:
        return wait_until(times, AFTER_S, f"{sent.rows} events in ClickHouse", 0.5) or []
    finally:
        client.close()


@contextmanager
def _watching(stack: RunningStack, model: str) -> Iterator[DriftRowTimes]:
    """A reader in a thread of its own; what went wrong in it is raised at the end."""
    seen = DriftRowTimes()
    stopping = threading.Event()
    errors: list[Exception] = []

    def watch() -> None:
        client = connect(stack.settings.clickhouse_dsn, stack.settings.clickhouse_database)
        try:
            while not stopping.wait(POLL_S):
                ((micros,),) = client.query(NEWEST, parameters={"model": model}).result_rows
                seen.newest.append(micros / 1e6)
                seen.at.append(time.time())
        except Exception as error:  # raised below, in the thread that waits
            errors.append(error)
        finally:
            client.close()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stopping.set()
        thread.join(10)
    if errors:
        raise errors[0]
