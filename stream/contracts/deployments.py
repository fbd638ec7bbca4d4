"""The contract of topic `deployments`: what is live, and what its traffic is measured against."""

from typing import Any

import msgspec

from stream.contracts import sealed

RETIRED = "retired"
MOST_ANNOUNCED_BYTES = 12_000_000
"""Of a record; the topic takes 12.6 MB. Whoever makes a profile holds it against this before it is written."""


class DeploymentRecord(sealed.Message, frozen=True, kw_only=True):
    """The newest record of a key holds. Written before the deployment's first event, keyed by `deployment_id`.

    A change of role or weight is a record without a profile under a key of its own (`change_key`), so that compaction
    keeps the profile, which may have been learned and stand nowhere else.
    """

    deployment_id: str
    workspace: str
    model: str
    version: int
    ts: str
    """When it was written: RFC 3339, microseconds, UTC."""
    action: str
    """`live` (it is announced, or its role or weight changed), `warm` (it lost its traffic), `retired` (it ended), or
    `baseline` (a profile was learned from its first events)."""
    role: str = "primary"
    """`primary`, `canary`, `shadow` or `preview`: from now on."""
    weight: float = 1.0
    """Its share of the model's traffic, 0..1, from now on."""
    branch: str | None = None
    """Of a preview."""
    profile: Any = None
    """The profile as a JSON object (stream/profiles/profile.py), or as text where it is large
    (stream/profiles/codec.py); None until it is learned from the first events."""
    profile_id: str | None = None
    baseline_rows: int = 2000
    """How many first events become the reference where there is no profile."""
    psi_threshold: float = 0.2
    features: list[str] | None = None
    """The input schema's names, in its order; None when the model is served unvalidated."""
    reason: str | None = None
    """Why it ended, of `retired`: a clause, such as `version 3 took its place`."""


def change_key(deployment_id: str) -> str:
    """Of the newest change of a deployment's role."""
    return f"{deployment_id}/role"


_decoder = msgspec.json.Decoder(DeploymentRecord)


def encode(record: DeploymentRecord) -> bytes:
    return sealed.encode(record)


def decode(value: bytes) -> DeploymentRecord:
    """Raises one of `stream.contracts.decode_errors.UNREADABLE` where the bytes are no deployment."""
    return sealed.decode(value, _decoder)
