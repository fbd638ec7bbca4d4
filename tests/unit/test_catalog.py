"""What a worker knows of deployments, record by record."""

import msgspec
import pytest

from stream.contracts.dead_letters import Reason
from stream.contracts.deployments import DeploymentRecord, encode
from stream.intake import catalog as catalog_module
from stream.intake.catalog import Catalog
from stream.intake.endings import KEPT, UNKNOWN, Ending, Endings
from stream.intake.targets import Target
from stream.profiles.build import build_profile
from stream.profiles.codec import encode_profile
from stream.profiles.profile import Profile
from tests.support.sink_samples import unsealed


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
    assert catalog.targets["d1"] is target


def test_records_of_before_there_were_roles_are_of_primaries() -> None:
    catalog = Catalog("nowhere:1", "deployments")
    old = msgspec.json.decode(unsealed(encode(announced())))
    for name in ("role", "weight", "branch"):
        del old[name]

    catalog.take(msgspec.json.encode(old))

    assert catalog.records["d1"].role == "primary"


def test_a_deployment_that_ended_is_counted_until_it_is_forgotten_and_never_comes_back() -> None:
    catalog = Catalog("nowhere:1", "deployments")
    catalog.take(encode(announced()))
    catalog.take(encode(announced(deployment_id="d2")))

    catalog.take(encode(announced(action="retired", profile=None, reason="version 2 took its place")))
    assert catalog.endings["d1"].reason == "version 2 took its place"
    assert "d1" in catalog.targets, "its last events may be on their way"

    catalog.forget("d1")
    assert set(catalog.targets) == set(catalog.records) == {"d2"}
    assert set(catalog.profiles) == {announced().profile_id}, "the other deployment of the version has it still"

    for late in (announced(), announced(action="baseline"), announced(profile=None, action="warm")):
        catalog.take(encode(late))
    assert set(catalog.targets) == {"d2"}

    catalog.forget("d2")
    assert not catalog.profiles


def test_warm_is_not_the_end() -> None:
    catalog = Catalog("nowhere:1", "deployments")
    for action in ("live", "warm", "live"):
        catalog.take(encode(announced(action=action)))
    assert not catalog.endings
    assert catalog.records["d1"].action == "live"


def test_what_is_not_announced_counts_as_ended_only_when_all_was_read() -> None:
    endings = Endings()
    endings.note("d1", Ending("2026-01-31T12:00:00.000000Z", "it was retired"))
    endings.note("d1", UNKNOWN)
    assert endings.among(["d1", "d2", "d3"], ["d2"]) == {"d1": Ending(*endings["d1"]), "d3": UNKNOWN}
    assert set(endings.among(["d1", "d2", "d3"], None)) == {"d1"}
    assert endings["d1"].reason == "it was retired"


def test_endings_are_bounded() -> None:
    endings = Endings()
    for number in range(KEPT + 10):
        endings.note(f"d{number}", UNKNOWN)
    assert len(endings) == KEPT
    assert "d9" not in endings
    assert f"d{KEPT + 9}" in endings


def test_a_deployment_that_cannot_be_learned_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made = catalog_module._target

    def failing(record: DeploymentRecord, profile: Profile | None) -> Target:
        if record.deployment_id == "d2":
            raise LookupError("unforeseen")
        return made(record, profile)

    monkeypatch.setattr(catalog_module, "_target", failing)
    catalog = Catalog("nowhere:1", "deployments")
    for offset, value in enumerate([encode(announced(deployment_id="d2")), b'{"v": "caf\xe9"}', encode(announced())]):
        catalog.take(value, offset)
    assert list(catalog.known()) == list(catalog.records) == ["d1"]
    assert [(one.offset, one.reason) for one in catalog.refused] == [(0, Reason.SET_ASIDE), (1, Reason.WRONG_TYPE)]
