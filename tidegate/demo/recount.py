"""Whether the stream's histograms equal a recount of the stored events, bin by bin. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stream.histograms.binning import Binner
from stream.profiles.profile import Profile


def difference(
    profile: Profile, counted: Mapping[int, int], events: Sequence[tuple[Mapping[str, Any], Any]]
) -> str | None:
    """None where they are equal, else the first thing that differs.

    `counted`: flat bin to count; `events`: features and prediction of each successful event.
    """
    binner = Binner(profile)
    expected = binner.empty()
    binner.count([features for features, _ in events], [prediction for _, prediction in events], expected)
    found = np.zeros(profile.size, np.int64)
    for flat_bin, count in counted.items():
        if not 0 <= flat_bin < profile.size:
            return f"bin {flat_bin} is none of the profile's {profile.size}"
        found[flat_bin] = count
    for series, place in profile.slices():
        wrong = np.flatnonzero(found[place] != expected.counts[place])
        if len(wrong):
            first = int(wrong[0])
            have, want = int(found[place][first]), int(expected.counts[place][first])
            return f"{series.key} has {have} rows in bin {first}, a recount gives {want}"
    return None
