"""The reference of a deployment that came without one: its first events. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stream.deployments import DeploymentRecord
from stream.profiles.build import build_profile, columns_of
from stream.profiles.codec import encode_profile
from stream.timestamps import to_text


def learn_profile(record: DeploymentRecord, rows: Sequence[Mapping[str, Any]], now: float) -> DeploymentRecord | None:
    """The deployment with a profile of its first events; None while there are fewer than it wants.

    `rows`: `{"features": {…}, "prediction": {series: value}}`, as panes carry them.
    """
    if len(rows) < record.baseline_rows:
        return None
    profile = build_profile(
        columns_of([row["features"] for row in rows]),
        columns_of([row["prediction"] for row in rows]),
        model=record.model,
        version=record.version,
        source="first_events",
    )
    return msgspec.structs.replace(
        record,
        action="baseline",
        ts=to_text(now),
        profile=msgspec.json.decode(encode_profile(profile)),
        profile_id=profile.id,
    )
