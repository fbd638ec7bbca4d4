"""What one series of a window is compared with: the whole reference, or a mixture of its hours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class SeriesReference:
    """Counts may be fractions: those of a mixture are scaled to what it is worth in rows."""

    n: float
    """Rows, those with a missing value included: how sure the shares are."""
    counts: Floats
    """Per fine bin, shape (n_bins,); they add up to `n`."""
    sums: Floats
    """Sums of the values per fine bin, shape (n_bins,)."""
    bucket_counts: Floats
    """Per bucket, shape (buckets,)."""
    mean: float | None
    """Of the finite values; None without any, and for categories."""
    sigma: float | None
    """The unit of a shift; None like `mean`."""
