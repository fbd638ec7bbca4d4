"""Bins and buckets of a categorical series."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.profiles.labels import category_labels
from stream.profiles.profile import FeatureProfile, Role

OWN_BIN_LIMIT = 100
"""This many of the most frequent categories are bins of their own; fewer in a wide profile."""
POOLED_LIMIT = 10_000
"""This many more are known by name in the pooled bin; the rarest beyond count as unseen."""
BUCKETS = 10


def build_categorical(
    name: str, role: Role, values: Sequence[str | None], own_limit: int = OWN_BIN_LIMIT
) -> FeatureProfile:
    """Profile a column of categories, None where missing. `own_limit`: at most so many have bins of their own."""
    frequency = Counter(value for value in values if value is not None)
    ranked = sorted(frequency, key=lambda value: (-frequency[value], value))
    own = tuple(ranked[:own_limit])
    pooled = tuple(ranked[own_limit : own_limit + POOLED_LIMIT])
    counts = [frequency[value] for value in own]
    unseen = _expected_unseen(ranked, frequency, own_limit)
    if pooled:
        counts.append(sum(frequency[value] for value in ranked[own_limit:]) - unseen)
    groups = _bucket_groups(counts)
    bucket_of = [number for number, group in enumerate(groups) for _ in group]
    names = [[own[index] for index in group if index < len(own)] for group in groups]
    counts += [unseen, len(values) - frequency.total()]
    return FeatureProfile(
        name=name,
        role=role,
        kind="categorical",
        categories=own,
        pooled=pooled,
        counts=tuple(counts),
        sums=(0.0,) * len(counts),
        bucket_of=(*bucket_of, len(groups), len(groups) + 1),
        buckets=(*category_labels(names, len(pooled)), "unseen category", "missing"),
    )


def reference_bins(profile: FeatureProfile, values: Sequence[str | None]) -> NDArray[np.int64]:
    """Fine bin of each value of the reference that `profile` is of, so that they add up to its counts.

    Not where an event with this value is counted: a rare category seen once stands for unseen ones.
    """
    frequency = Counter(value for value in values if value is not None)
    unseen = profile.n_bins - 2
    place: dict[str | None, int] = dict.fromkeys(frequency, unseen)
    place.update((name, len(profile.categories)) for name in profile.pooled if frequency[name] > 1)
    place.update((name, index) for index, name in enumerate(profile.categories))
    place[None] = profile.missing_bin
    return np.array([place[value] for value in values], dtype=np.int64)


def _expected_unseen(ranked: Sequence[str], frequency: Counter[str], own_limit: int) -> int:
    """Reference count of the unseen bin: 0 while every category has its own bin.

    Past that, new categories are to be expected: their mass is about the share of categories seen
    once (Good 1953, "The population frequencies of species and the estimation of population
    parameters"). So an identifier does not drift only because each of its values is new.
    """
    return sum(1 for value in ranked[own_limit:] if frequency[value] == 1) + sum(
        frequency[value] for value in ranked[own_limit + POOLED_LIMIT :] if frequency[value] > 1
    )


def _bucket_groups(counts: Sequence[int]) -> list[list[int]]:
    """Indices of the bins of each bucket: each its own up to ten, else by decile of frequency."""
    if len(counts) <= BUCKETS:
        return [[index] for index in range(len(counts))]
    total, below = max(sum(counts), 1), 0
    groups: dict[int, list[int]] = {}
    for index, count in enumerate(counts):
        decile = min(int((below + count / 2) / total * BUCKETS), BUCKETS - 1)
        groups.setdefault(decile, []).append(index)
        below += count
    return list(groups.values())
