"""Statistics against SciPy, window after window of growing size, and where they are undefined."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from stream.statistics.chi2 import chi2
from stream.statistics.g_test import g_test, pooled_g_test
from stream.statistics.hellinger import hellinger
from stream.statistics.homogeneity import pool_rare, tabulate
from stream.statistics.js import js
from stream.statistics.kl import kl
from stream.statistics.ks import ks, ks_p
from stream.statistics.measure import measure
from stream.statistics.noise_floor import noise_floor
from stream.statistics.psi import psi
from stream.statistics.rate_test import rate_increase_p
from stream.statistics.rates import rate
from stream.statistics.serial import SerialFactor
from stream.statistics.smoothing import Floats, smoothed_shares
from stream.statistics.wasserstein import wasserstein
from tests.support.windows import numeric_reference, window_of

CLOSE = 1e-9


def tables() -> list[tuple[Floats, Floats]]:
    """Windows that grow row by row in steps, against one reference, some buckets empty on a side."""
    generator = np.random.default_rng(5)
    reference = generator.multinomial(4000, [0.3, 0.3, 0.2, 0.15, 0.04, 0.01, 0]).astype(float)
    rows = generator.choice(7, size=600, p=[0.2, 0.3, 0.25, 0.1, 0.04, 0.01, 0.1])
    prefixes = [np.bincount(rows[:n], minlength=7).astype(float) for n in range(1, 601, 37)]
    return [(window, reference) for window in prefixes]


@pytest.mark.parametrize(("window", "reference"), tables())
def test_tests_of_homogeneity(window: Floats, reference: Floats) -> None:
    table = np.stack((window, reference))[:, window + reference > 0]
    pearson = stats.chi2_contingency(table, correction=False)
    likelihood = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    for ours, scipys in ((chi2(window, reference), pearson), (g_test(window, reference), likelihood)):
        assert ours.statistic == pytest.approx(scipys.statistic, rel=CLOSE)
        assert ours.p == pytest.approx(scipys.pvalue, rel=CLOSE)
        assert ours.df == scipys.dof


@pytest.mark.parametrize(("window", "reference"), tables())
def test_divergences(window: Floats, reference: Floats) -> None:
    q, p = smoothed_shares(window, reference)
    scale = np.log(q.sum() / p.sum())
    # SciPy normalises the shares; ours, smoothed, need not add up to 1.
    assert kl(window, reference) == pytest.approx(q.sum() * (stats.entropy(q, p) + scale), rel=CLOSE)
    assert psi(window, reference) == pytest.approx(kl(window, reference) + kl(reference, window), rel=CLOSE)
    assert js(window, reference) == pytest.approx(jensenshannon(window, reference, 2), rel=CLOSE)
    roots = np.sqrt(window / window.sum()) - np.sqrt(reference / reference.sum())
    assert hellinger(window, reference) == pytest.approx(np.linalg.norm(roots) / np.sqrt(2), rel=CLOSE)


@pytest.mark.parametrize("n", [1, 2, 10, 99, 1000])
def test_ks_and_wasserstein_of_values_that_have_bins_of_their_own(n: int) -> None:
    generator = np.random.default_rng(n)
    values = generator.integers(0, 40, size=3000).astype(float)
    drifted = np.concatenate((generator.integers(5, 60, size=n).astype(float), [np.nan]))
    reference = numeric_reference(values)
    place = measure(reference, *window_of(reference, drifted)).location
    exact = stats.ks_2samp(drifted[:-1], values, method="asymp")
    assert place.w1 is not None
    # Out of range, all values share a bin, whose mean keeps the distance exact: they are all above.
    assert place.w1 == pytest.approx(stats.wasserstein_distance(drifted[:-1], values), rel=CLOSE)
    assert place.ks == pytest.approx(exact.statistic, rel=CLOSE)
    assert place.mean == pytest.approx(drifted[:-1].mean(), rel=CLOSE)


def test_p_value_of_ks_is_kolmogorovs() -> None:
    assert ks_p(0.05, 1000, 4000) == pytest.approx(stats.kstwobign.sf(0.05 * np.sqrt(1000 * 4000 / 5000)), rel=CLOSE)
    assert ks_p(0.5, 0, 100) == 1.0


def test_a_rare_increase_is_judged_by_the_conditional_binomial() -> None:
    expected = stats.binomtest(4, 5, 200 / 10_200, alternative="greater").pvalue
    assert rate_increase_p(4, 200, 1, 10_000) == pytest.approx(expected, rel=CLOSE)


def test_a_common_increase_is_judged_by_the_signed_root_of_g() -> None:
    table = np.array([[300.0, 700.0], [2500.0, 7500.0]])
    g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert rate_increase_p(300, 1000, 2500, 10_000) == pytest.approx(stats.norm.sf(np.sqrt(g)), rel=CLOSE)


@pytest.mark.parametrize(("hits", "reference_hits"), [(0, 0), (0, 50), (10, 1000), (9, 1000)])
def test_a_share_that_did_not_rise_is_no_increase(hits: int, reference_hits: int) -> None:
    assert rate_increase_p(hits, 100, reference_hits, 10_000) == 1.0


def test_pooling_leaves_no_bucket_that_expects_fewer_than_five() -> None:
    window, reference = np.array([60.0, 35.0, 3.0, 2.0, 0.0]), np.array([6000.0, 3600.0, 250.0, 100.0, 50.0])
    q, p = pool_rare(window, reference)
    assert (q.sum(), p.sum()) == (window.sum(), reference.sum())
    assert tabulate(q, p)[1].min() >= 5
    assert g_test(q, p).p == pooled_g_test(window, reference).p


def test_a_constant_feature_that_moves_is_certain_though_all_its_buckets_are_rare() -> None:
    # 100 rows of a value that 10,000 reference rows never had: no bucket but one expects five rows.
    found = pooled_g_test(np.array([0.0, 100.0]), np.array([10_000.0, 0.0]))
    assert (found.df, found.p < 1e-100) == (1, True)


def test_serial_correlation_deflates_the_statistic() -> None:
    window, reference = np.array([400.0, 600.0]), np.array([5000.0, 5000.0])
    plain, correlated = pooled_g_test(window, reference), pooled_g_test(window, reference, 4.0)
    assert correlated.p == pytest.approx(stats.chi2.sf(plain.statistic / 4, 1), rel=CLOSE)


@pytest.mark.parametrize("repeats", [1, 4])
def test_the_serial_factor_is_learned_from_quiet_windows(repeats: int) -> None:
    generator = np.random.default_rng(8)
    shares = np.full(10, 0.1)
    reference = np.full(10, 1e6)
    learned = SerialFactor()
    for _ in range(2000):
        window = generator.multinomial(1000 // repeats, shares).astype(float) * repeats
        learned = learned.update(g_test(window, reference).statistic)
    assert learned.factor == pytest.approx(repeats, rel=0.12)


def test_the_serial_factor_is_one_until_fifty_windows() -> None:
    learned = SerialFactor()
    for number in range(49):
        learned = learned.update(100.0 * (number % 2))
    assert learned.factor == 1.0
    assert learned.update(100.0).factor > 1.0


@pytest.mark.parametrize("statistic", [psi, kl, js, hellinger, chi2, g_test, pooled_g_test, ks])
def test_no_rows_is_an_error_and_not_a_number(statistic: object) -> None:
    assert callable(statistic)
    empty, some = np.zeros(3), np.array([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="need rows"):
        statistic(empty, some)
    with pytest.raises(ValueError, match="need rows"):
        statistic(some, empty)


def test_other_undefined_cases() -> None:
    empty, some = np.zeros(2), np.ones(2)
    with pytest.raises(ValueError, match="need values"):
        wasserstein(empty, empty, some, some)
    with pytest.raises(ValueError, match="needs rows"):
        rate(empty, (0,))
    with pytest.raises(ValueError, match="need rows"):
        rate_increase_p(0, 0, 0, 1)
    with pytest.raises(ValueError, match="need rows"):
        noise_floor(0, 100, 10, 0.05)
    assert noise_floor(100, 100, 1, 0.05) == 0.0
