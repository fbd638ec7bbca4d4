"""What a worker knows of deployments, record by record."""

import msgspec

from stream.catalog import Catalog
from stream.deployments import DeploymentRecord, encode
from stream.profiles.build import build_profile
from stream.profiles.codec import encode_profile


def announced(**changes: object) -> DeploymentRecord:
    profile = build_profile({"price": [1.0, 2.0, 3.0]}, {}, model="m", version=1, source="reference")
    record = DeploymentRecord(
        deployment_id="d1",
        workspace="default",
        model="m",
        version=1,
        ts="2026-01-31T12:00:00.000000Z",
        action="live",
        profile=msgspec.json.decode(encode_profile(profile)),
        profile_id=profile.id,
        psi_threshold=0.3,
    )
    return msgspec.structs.replace(record, **changes)


def test_a_change_of_role_leaves_the_profile() -> None:
    catalog = Catalog("nowhere:1", "deployments")
    catalog.take(encode(announced()))
    target = catalog.targets["d1"]

    catalog.take(encode(announced(profile=None, role="shadow", weight=0.5, action="warm", psi_threshold=0.1)))

    known = catalog.records["d1"]
    assert (known.role, known.weight, known.action) == ("shadow", 0.5, "warm")
    assert known.psi_threshold == 0.3
    assert known.profile is not None
    assert catalog.targets["d1"] is target


def test_records_of_before_there_were_roles_are_of_primaries() -> None:
    catalog = Catalog("nowhere:1", "deployments")
    old = msgspec.json.decode(encode(announced()))
    for name in ("role", "weight", "branch"):
        del old[name]

    catalog.take(msgspec.json.encode(old))

    assert catalog.records["d1"].role == "primary"
