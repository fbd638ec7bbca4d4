"""The algebra of the statistics, and that no window of counts breaks `measure` or `decide`."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stream.profiles.build import build_profile
from stream.statistics.chi2 import chi2
from stream.statistics.g_test import g_test, pooled_g_test
from stream.statistics.hellinger import hellinger
from stream.statistics.js import js
from stream.statistics.kl import kl
from stream.statistics.ks import ks
from stream.statistics.measure import measure
from stream.statistics.psi import psi
from stream.statistics.rate_test import rate_increase_p
from stream.statistics.smoothing import Floats, smoothed_shares
from stream.statistics.wasserstein import wasserstein
from stream.windows.decision import SeriesState, decide
from tests.support.windows import numeric_reference, window_of

counts = st.lists(st.integers(0, 10_000), min_size=6, max_size=6).filter(any).map(np.array)
tables = st.tuples(counts, counts).map(lambda pair: (pair[0].astype(float), pair[1].astype(float)))
REFERENCE = numeric_reference(np.random.default_rng(1).lognormal(size=3000))
COLOURS = build_profile({"colour": ["red"] * 70 + ["blue"] * 29 + [None]}, model="m", version=1).features[0]


@given(tables)
def test_symmetric_and_bounded(table: tuple[Floats, Floats]) -> None:
    window, reference = table
    for distance in (js, hellinger, ks):
        assert -1e-12 <= distance(window, reference) <= 1 + 1e-12
        assert distance(window, reference) == pytest.approx(distance(reference, window), abs=1e-9)
    assert psi(window, reference) >= 0
    assert psi(window, reference) == pytest.approx(psi(reference, window), rel=1e-9)


@given(tables)
def test_kl_is_at_least_what_its_smoothing_allows(table: tuple[Floats, Floats]) -> None:
    window, reference = table
    q, p = smoothed_shares(window, reference)
    # Gibbs' inequality for masses that need not be 1.
    assert kl(window, reference) >= q.sum() * math.log(q.sum() / p.sum()) - 1e-9
    if (window > 0).all() and (reference > 0).all():
        assert kl(window, reference) >= -1e-12
    assert kl(window, reference) + kl(reference, window) == pytest.approx(psi(window, reference), abs=1e-9)


@given(counts.map(lambda c: c.astype(float)), st.integers(1, 50))
def test_proportional_samples_do_not_differ(window: Floats, times: int) -> None:
    for distance in (js, hellinger, ks):
        assert distance(window, window * times) == pytest.approx(0, abs=2e-8)
    for test in (chi2, g_test, pooled_g_test):
        assert test(window, window * times).p == pytest.approx(1, abs=1e-6)
    if (window > 0).all():
        assert psi(window, window * times) == pytest.approx(0, abs=1e-9)


@given(tables, st.permutations(range(6)), st.floats(1, 50))
def test_order_of_buckets_means_nothing_and_correlation_only_weakens(
    table: tuple[Floats, Floats], order: list[int], factor: float
) -> None:
    window, reference = table
    for test in (chi2, g_test, pooled_g_test):
        found = test(window, reference)
        assert 0 <= found.p <= 1
        assert test(window, reference, factor).p >= found.p - 1e-12
    assert psi(window[order], reference[order]) == pytest.approx(psi(window, reference), rel=1e-9)
    assert g_test(window[order], reference[order]).p == pytest.approx(g_test(window, reference).p, abs=1e-9)


values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60).map(np.array)


@given(values, values, values, st.floats(-100, 100))
def test_wasserstein_is_a_metric_that_moves_with_a_shift(a: Floats, b: Floats, c: Floats, by: float) -> None:
    def distance(x: Floats, y: Floats) -> float:
        return wasserstein(np.ones(len(x)), x, np.ones(len(y)), y)

    assert distance(a, b) == pytest.approx(distance(b, a), abs=1e-6)
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-6
    assert distance(a, a + by) == pytest.approx(abs(by), abs=1e-6)


@given(st.integers(0, 300), st.integers(0, 3000), st.integers(1, 300))
def test_more_hits_are_never_less_certain(hits: int, known: int, n: int) -> None:
    assume(hits < n)
    fewer, more = rate_increase_p(hits, n, known, 3000), rate_increase_p(hits + 1, n, known, 3000)
    assert 0 <= more <= 1
    # The two tests meet where five are expected; there the step may be a little out of order.
    assert more <= fewer * 4 + 1e-12


any_float = st.floats() | st.floats(0, 10)


@given(st.lists(any_float, min_size=1, max_size=200).map(np.array), st.floats(1, 20))
def test_any_window_is_measured_and_decided(window: Floats, factor: float) -> None:
    found = measure(REFERENCE, *window_of(REFERENCE, window), serial_factor=factor)
    assert found.n == len(window)
    assert math.isfinite(found.psi)
    flat = [found.psi, found.kl, found.kl_reverse, found.js, found.hellinger, found.chi2, found.g, found.g_p]
    assert np.isfinite(flat).all()
    assert all(number is None or math.isfinite(number) for number in msgspec.structs.astuple(found.location))
    state = decide(found, SeriesState(), alpha=1e-7, now=0, window=60)
    assert (state.state == "insufficient_data") is (found.n_eff < 100)


@given(st.lists(st.integers(0, 10**6), min_size=4, max_size=4).filter(any).map(np.array))
def test_any_window_of_categories_is_measured(window: np.ndarray) -> None:
    found = measure(COLOURS, window, np.zeros(4))
    assert found.unseen.rate == pytest.approx(window[2] / window.sum())
    assert found.location.ks is None
    assert sum(bucket.psi for bucket in found.moved) <= found.psi + 1e-9
