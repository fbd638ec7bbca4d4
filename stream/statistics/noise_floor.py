"""How large PSI gets from chance alone."""

from scipy.special import chdtri


def noise_floor(n: float, m: float, buckets: int, alpha: float) -> float:
    """The PSI that windows without drift exceed with probability `alpha`.

    PSI / (1/n + 1/m) is about chi-squared with B - 1 degrees of freedom (Yurdakul 2018, "Statistical
    Properties of Population Stability Index"). In small windows PSI's own tail is heavier than that;
    the factor 1 + 2.5 B / n was fitted to simulated windows. n, m: rows of the window and the
    reference; `buckets`: those not empty on both sides. 0 with one bucket.

    >>> round(noise_floor(1000, 10_000, 10, 0.05), 4)
    0.0191
    """
    if buckets < 2:
        return 0.0
    if not (n > 0 and m > 0):
        raise ValueError("both the window and the reference need rows: skip empty windows")
    return float(chdtri(buckets - 1, alpha)) * (1 / n + 1 / m) * (1 + 2.5 * buckets / n)
