"""The windows of a whole stack beside a count of the events in ClickHouse that lie in their time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from storage.clickhouse.client import connect
from tests.support.stack import RunningStack

_NEWEST = """
    SELECT model, `window`, argMax(window_start, ts), argMax(window_end, ts),
        argMax(events, ts), argMax(requests, ts), argMax(failed, ts)
    FROM service_metrics GROUP BY model, `window` ORDER BY model, `window`
"""
_VALUES = """
    SELECT model, `window`, argMax(n, ts) FROM drift_metrics
    WHERE series = 'price' AND reference != 'first_events' GROUP BY model, `window`
"""
_STORED = """
    SELECT count(), countIf(`row` = 0), countIf(status >= 400), countIf(status < 400) FROM inference_events
    WHERE model = '{model}' AND ts >= '{begin:%Y-%m-%d %H:%M:%S}' AND ts < '{end:%Y-%m-%d %H:%M:%S}'
"""


def differs(stack: RunningStack) -> dict[tuple[str, str], tuple[Any, ...]]:
    """(Model, window) to what it holds and what is stored in its time, where they are not the same.

    Events, requests, failures, and values of `price`, at the newest evaluation. A reference that is learned comes after
    its first events, which are in no histogram, so there the values are not compared.
    """
    wrong = {}
    with _connected(stack) as client:
        values = {(model, window): n for model, window, n in client.query(_VALUES).result_rows}
        for model, window, begin, end, *counted in client.query(_NEWEST).result_rows:
            asked = _STORED.format(model=model, begin=begin, end=end)
            ((*stored, good),) = client.query(asked).result_rows
            n = values.get((model, window), good)
            if counted != stored or n != good:
                wrong[model, window] = ((*counted, n), (*stored, good))
    return wrong


def stored(stack: RunningStack) -> int:
    """Events in ClickHouse."""
    return int(rows(stack, "SELECT count() FROM inference_events")[0][0])


def twice(stack: RunningStack) -> list[tuple[Any, ...]]:
    """Ids of events that are stored more than once."""
    return rows(stack, "SELECT event_id FROM inference_events GROUP BY event_id HAVING count() > 1")


def rows(stack: RunningStack, sql: str) -> list[tuple[Any, ...]]:
    with _connected(stack) as client:
        return list(client.query(sql).result_rows)


@contextmanager
def _connected(stack: RunningStack) -> Iterator[Any]:
    """For a moment: the server may be another in the next one. It costs as much as ten queries, so not one for each."""
    client = connect(stack.settings.clickhouse_dsn, stack.settings.clickhouse_database)
    try:
        yield client
    finally:
        client.close()
