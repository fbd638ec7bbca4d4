"""Every statistic against values that were checked with SciPy and Evidently on the same samples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from stream.statistics.alpha import alpha_star
from stream.statistics.homogeneity import tabulate
from stream.statistics.measure import measure
from stream.statistics.noise_floor import noise_floor
from stream.statistics.psi import psi
from tests.support.golden_drift import golden_samples
from tests.support.windows import numeric_reference, window_of

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "golden_drift.json").read_text())
SAMPLES = golden_samples()
ALPHA = GOLDEN["_alpha_star_50"]


def exactly(value: float) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", SAMPLES)
def test_statistics_of_the_golden_samples(name: str) -> None:
    values, drifted = SAMPLES[name]
    expected = GOLDEN[name]
    reference = numeric_reference(values)
    counts, sums = window_of(reference, drifted)
    found = measure(reference, counts, sums)

    assert reference.n_bins == expected["fine_bins"]
    assert found.psi == exactly(expected["psi"])
    assert found.kl == exactly(expected["kl_c_r"])
    assert found.kl_reverse == exactly(expected["kl_r_c"])
    assert found.js == exactly(expected["js2"])
    assert found.js**2 * np.log(2) == exactly(expected["jsdiv_e"])
    assert found.hellinger == exactly(expected["hellinger"])
    assert found.chi2 == exactly(expected["chi2"])
    assert found.g == exactly(expected["G"])
    assert found.df == expected["df"]
    assert found.location.ks == exactly(expected["ks_binned"])
    assert found.location.w1 == exactly(expected["w1_binned"])
    assert found.missing.rate == expected["missing"]


@pytest.mark.parametrize("name", SAMPLES)
def test_shares_and_fine_bins_of_the_golden_samples(name: str) -> None:
    values, drifted = SAMPLES[name]
    expected = GOLDEN[name]
    reference = numeric_reference(values)
    counts, _ = window_of(reference, drifted)
    window, base = reference.to_buckets(counts), reference.bucket_counts

    assert psi(counts.astype(float), reference.count_array) == exactly(expected["psi_fine"])
    assert tabulate(window, base)[0].shape == (2, expected["df"] + 1)


@pytest.mark.parametrize("name", SAMPLES)
def test_sigma_is_the_one_that_exact_wasserstein_is_divided_by(name: str) -> None:
    values, drifted = SAMPLES[name]
    sigma = numeric_reference(values).sigma
    assert sigma is not None
    assert wasserstein_distance(values, drifted) == exactly(GOLDEN[name]["w1"])
    assert wasserstein_distance(values, drifted) / sigma == exactly(GOLDEN[name]["w1_over_sd"])


@pytest.mark.parametrize("case", GOLDEN["_noise_floor"])
def test_noise_floor(case: str) -> None:
    n, m, buckets = (int(part[1:]) for part in case.split("_"))
    assert noise_floor(n, m, buckets, ALPHA) == exactly(GOLDEN["_noise_floor"][case])


def test_alpha_star_of_fifty_features() -> None:
    assert alpha_star(50, (60, 300, 3600, 86_400), 5) == ALPHA


@pytest.mark.parametrize(("features", "windows", "step"), [(0, (60,), 5), (1, (), 5), (1, (0,), 5), (1, (60,), 0)])
def test_alpha_star_refuses_what_has_no_meaning(features: int, windows: tuple[float, ...], step: float) -> None:
    with pytest.raises(ValueError, match="alpha_star needs"):
        alpha_star(features, windows, step)
