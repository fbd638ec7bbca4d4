"""Totals: addition is a monoid, and what is packed comes back bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.panes.totals import LATENCY_BINS, Totals, latency_quantile

SIZE = 5


def _totals(counts: list[int], sums: list[int], events: int, latencies: list[float], ts: str) -> Totals:
    totals = Totals.empty("p", SIZE)
    totals.counts += counts
    totals.sums += np.where(np.array(counts) > 0, sums, 0)
    took = np.array([float(round(x)) for x in latencies])
    totals.add_service(events, events // 2, took, refused=events // 3, refused_requests=events // 4)
    totals.newest_ts = ts
    return totals


packable = st.builds(
    _totals,
    st.lists(st.integers(0, 2**40), min_size=SIZE, max_size=SIZE),
    st.lists(st.integers(-(2**30), 2**30), min_size=SIZE, max_size=SIZE),
    st.integers(0, 1000),
    st.lists(st.floats(0, 1e6), max_size=5),
    st.sampled_from(["", "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z"]),
)


def as_tuple(totals: Totals) -> tuple[object, ...]:
    return (
        totals.profile_id,
        totals.counts.tolist(),
        totals.sums.tolist(),
        totals.events,
        totals.requests,
        totals.failed,
        totals.refused,
        totals.latency_sum_ms,
        totals.newest_ts,
        totals.latency.tolist(),
    )


def added(*parts: Totals) -> Totals:
    total = Totals.empty("p", SIZE)
    for part in parts:
        total.add(part)
    return total


@given(packable, packable, packable)
def test_addition_does_not_depend_on_the_order(a: Totals, b: Totals, c: Totals) -> None:
    assert as_tuple(added(a, b, c)) == as_tuple(added(c, added(b, a)))


@given(packable)
def test_what_is_packed_comes_back(totals: Totals) -> None:
    assert as_tuple(Totals.unpack(totals.pack())) == as_tuple(totals)


@given(st.lists(st.floats(0.2, 9e4), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_quantile_is_within_a_bin_of_the_exact_one(latencies: list[float], q: float) -> None:
    totals = Totals.empty(None, 0)
    totals.add_service(len(latencies), 0, np.array(latencies))
    exact = float(np.quantile(latencies, q, method="inverted_cdf"))
    found = latency_quantile(totals.latency, q)
    assert exact <= found * (1 + 1e-9)
    assert found <= exact * 1.2116 + 1e-9


def test_there_is_a_bin_for_everything() -> None:
    totals = Totals.empty(None, 0)
    totals.add_service(3, 0, np.array([0.0, 1.0, 1e9]))
    assert totals.latency.sum() == 3
    assert len(totals.latency) == LATENCY_BINS
