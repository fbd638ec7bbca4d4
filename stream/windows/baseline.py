"""The reference of a deployment that came without one: its first events. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stream.contracts.deployments import MOST_ANNOUNCED_BYTES, DeploymentRecord, encode
from stream.contracts.timestamps import to_text
from stream.panes.sampling import values_of
from stream.profiles.build import build_profile, columns_of
from stream.profiles.codec import encode_profile
from stream.profiles.packing import pack_profile

MOST_CELLS = 20_000_000
"""Names times rows. Rows within their bounds that are filled have a tenth of it; every row with names of its own has
more."""


def learn_profile(record: DeploymentRecord, rows: Sequence[Mapping[str, Any]], now: float) -> DeploymentRecord:
    """The deployment with a profile of its first events.

    `rows`: `{"features": {…}, "prediction": {series: value}}`, as panes carry them.

    Raises:
        ValueError: they cannot be profiled, or their profile does not fit into a record.
    """
    names = {name for row in rows for part in (row["features"], row["prediction"]) for name in part}
    if len(names) * len(rows) > MOST_CELLS:
        raise ValueError(f"they have {len(names)} different names")
    profile = build_profile(
        columns_of(values_of(row["features"]) for row in rows),
        columns_of(values_of(row["prediction"]) for row in rows),
        model=record.model,
        version=record.version,
        source="first_events",
    )
    learned = msgspec.structs.replace(
        record,
        action="baseline",
        ts=to_text(now),
        profile=pack_profile(msgspec.json.decode(encode_profile(profile))),
        profile_id=profile.id,
    )
    size = len(encode(learned))
    if size > MOST_ANNOUNCED_BYTES:
        raise ValueError(f"their profile takes {size} bytes, and at most {MOST_ANNOUNCED_BYTES} fit into a record")
    return learned
