"""Whether a profile fits into the record that announces it; what to leave out where it does not. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from stream.contracts.deployments import MOST_ANNOUNCED_BYTES
from stream.profiles.build import BINS_BESIDE, LEAST_FINENESS, MOST_BINS
from stream.profiles.packing import pack_profile
from stream.profiles.profile import Profile

REST_BYTES = 100_000
"""Of a record beside the profile and the names of the features."""
MOST_UNKNOWN_SERIES = MOST_BINS // (LEAST_FINENESS + BINS_BESIDE)
"""Features of a model whose reference is still to be learned: each may turn out to be numeric."""


class DoesNotFitError(Exception):
    """The profile is too large; the message says by how much, and what to do."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


def check_fits(profile: Profile, content: Any, features: Sequence[str] | None) -> None:
    """Raises DoesNotFitError. `content`: the profile as a JSON object; `features`: the watched ones, by name."""
    size = _bytes(pack_profile(content)) + _bytes(features) + REST_BYTES
    if size <= MOST_ANNOUNCED_BYTES:
        return
    largest = max(profile.features, key=_bytes)
    hours = 0 if isinstance(profile.hours, msgspec.UnsetType) else _bytes(profile.hours)
    problem = (
        f"its profile of {len(profile.features)} series takes {size / 1e6:.1f} MB, "
        f"and at most {MOST_ANNOUNCED_BYTES / 1e6:.0f} MB fit into a record"
    )
    if hours > _bytes(largest):
        raise DoesNotFitError(
            problem, "Leave out its timestamps (the hours of day are the most of it), or some columns"
        )
    found = f"the largest is {largest.name[:80]!r} with {_bytes(largest) / 1e6:.1f} MB"
    if largest.kind == "categorical":
        found += f" and {len(largest.categories) + len(largest.pooled)} categories"
    raise DoesNotFitError(problem, f"Leave out columns: {found}")


def check_unknown(features: Sequence[str] | None) -> None:
    """Whether a reference can be learned from the first events, whatever they hold. Raises DoesNotFitError."""
    if features is not None and len(features) > MOST_UNKNOWN_SERIES:
        raise DoesNotFitError(
            f"it has {len(features)} features and no reference: at most {MOST_UNKNOWN_SERIES} can be watched then",
            "Give it a reference with the columns that matter, or mask some features",
        )


def _bytes(value: Any) -> int:
    return len(msgspec.json.encode(value))
