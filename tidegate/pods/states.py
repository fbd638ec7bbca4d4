"""What the cluster says about the pods of a deployment, in the words of `tidegate status`. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from tidegate.parts.state import Condition

HOPELESS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""Reasons of a waiting container that do not pass by themselves soon."""
FIX = "see `kubectl describe pod` and `kubectl logs`"


def ready_addresses(slices: Iterable[Any]) -> tuple[str, ...]:
    """`tcp://ip:port` of all ready endpoints of a Service (V1EndpointSlice objects)."""
    found = set()
    for one in slices:
        for endpoint in one.endpoints or ():
            conditions = endpoint.conditions
            # By the API's own rule an unknown state is to be taken for ready.
            if conditions is not None and (conditions.ready is False or conditions.terminating):
                continue
            for port in one.ports or ():
                host = f"[{endpoint.addresses[0]}]" if one.address_type == "IPv6" else endpoint.addresses[0]
                found.add(f"tcp://{host}:{port.port}")
    return tuple(sorted(found))


def condition_of(wanted: int, addresses: Sequence[str], pods: Sequence[Any]) -> tuple[Condition, str]:
    """Where a deployment stands that should have so many pods, and why (V1Pod objects)."""
    if len(addresses) >= wanted:
        return Condition.READY, ""
    standing = f"{len(addresses)} of {wanted} pods are ready"
    trouble = next((said for said in map(_trouble, pods) if said is not None), None)
    if trouble is not None:
        return Condition.FAILING, f"{standing}: {trouble}; {FIX}"
    return Condition.STARTING, standing


def _trouble(pod: Any) -> str | None:
    status = pod.status
    for one in [*(status.init_container_statuses or ()), *(status.container_statuses or ())]:
        waiting = one.state.waiting if one.state is not None else None
        if waiting is not None and waiting.reason in HOPELESS:
            ended = one.last_state.terminated if one.last_state is not None else None
            detail = f"exit code {ended.exit_code}" if ended is not None else waiting.message or ""
            return f"{pod.metadata.name}, step {one.name}: {waiting.reason}{f' ({detail})' if detail else ''}"
    for condition in status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"{pod.metadata.name} cannot be placed: {condition.message}"
    return None
