"""Which buckets a PSI came from."""

from collections.abc import Sequence

import numpy as np

from stream.contracts.metrics import MovedBucket
from stream.statistics.psi import psi_terms
from stream.statistics.smoothing import Floats, smoothed_shares


def moved_buckets(window: Floats, reference: Floats, labels: Sequence[str], top: int = 3) -> list[MovedBucket]:
    """The `top` buckets with the largest terms of the PSI, largest first, those of 0 left out.

    The shares in them are the plain ones; the term is that of the smoothed shares. Undefined (raises
    ValueError) when a side has no rows.
    """
    q, p = smoothed_shares(window, reference)
    terms = psi_terms(q, p)
    kept = np.flatnonzero((window > 0) | (reference > 0))
    n, m = float(window.sum()), float(reference.sum())
    return [
        MovedBucket(
            label=labels[index],
            reference=float(reference[index]) / m,
            window=float(window[index]) / n,
            psi=float(terms[place]),
        )
        for place in np.argsort(-terms, kind="stable")[:top]
        if terms[place] > 0
        for index in (int(kept[place]),)
    ]
