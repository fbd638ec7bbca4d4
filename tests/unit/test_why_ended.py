"""The words in which people read why a deployment, and with it its alerts, ended."""

from dataclasses import replace
from datetime import UTC, datetime

from storage.registry import Deployment, Role, Status
from tidegate.rollout.endings import why_ended

MOMENT = datetime(2026, 11, 26, tzinfo=UTC)


def deployment(version: int = 1, status: Status = Status.RETIRED, role: Role = Role.PRIMARY) -> Deployment:
    return Deployment(
        id=f"d{version}",
        workspace="default",
        model="m",
        version=version,
        version_id=version,
        profile_id=None,
        role=role,
        status=status,
        weight=1.0,
        created=MOMENT,
        live_at=MOMENT,
        retired_at=MOMENT,
        error=None,
        served_at=MOMENT,
        branch="fix-1" if role is Role.PREVIEW else None,
        slug=None,
        expires=None,
        replicas=1,
        idle_seconds=None,
        asleep=False,
        last_request_at=None,
        addresses=None,
    )


def test_a_version_is_replaced_by_the_primary() -> None:
    others = [deployment(3, Status.LIVE, Role.CANARY), deployment(2, Status.LIVE)]
    assert why_ended(deployment(), others) == "version 2 took its place"
    assert why_ended(deployment(2), others) == "another deployment of version 2 took its place"
    assert why_ended(deployment(), [deployment(3, Status.WARM)]) == "it was retired"


def test_others_end_for_reasons_of_their_own() -> None:
    live = [deployment(2, Status.LIVE)]
    assert why_ended(deployment(role=Role.PREVIEW), live) == "the preview of fix-1 is over"
    assert why_ended(deployment(role=Role.SHADOW), live) == "it gets no copies of the traffic any more"
    assert why_ended(deployment(status=Status.CANCELLED), live) == "it was cancelled"
    failed = replace(deployment(status=Status.FAILED), error="x" * 1000)
    assert why_ended(failed, live).startswith("it failed: xxx")
    assert len(why_ended(failed, live)) == 300
