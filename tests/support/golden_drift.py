"""Three pairs of reference and window, the same on every machine and version of NumPy.

Made from random.Random().random() and closed-form transforms only; the values that their statistics
must have stand in tests/data/golden_drift.json.
"""

import random

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
REFERENCE_ROWS, WINDOW_ROWS = 5000, 2000


def uniforms(seed: int, count: int) -> Floats:
    draw = random.Random(seed).random
    return np.array([draw() for _ in range(count)])


def zero_inflated(u: Floats, zeros: float) -> Floats:
    rest = np.clip((u - zeros) / (1 - zeros), 0, 1 - 1e-12)
    return np.where(u < zeros, 0.0, -10 * np.log1p(-rest))


def golden_samples() -> dict[str, tuple[Floats, Floats]]:
    """Name -> (reference, window)."""

    def pair(seed: int) -> tuple[Floats, Floats]:
        return uniforms(seed, REFERENCE_ROWS), uniforms(seed + 1, WINDOW_ROWS)

    normal, lognormal, inflated = pair(11), pair(21), pair(41)
    return {
        "normal_shift0.5": (ndtri(normal[0]), ndtri(normal[1]) + 0.5),
        "lognormal_x1.3": (np.exp(ndtri(lognormal[0])), 1.3 * np.exp(ndtri(lognormal[1]))),
        "zeroinf_70_60": (zero_inflated(inflated[0], 0.7), zero_inflated(inflated[1], 0.6)),
    }
