"""Events of deployments that nobody announced, or that ended: rejects, with the line that each stands in. Pure."""

from collections.abc import Container, Mapping, Sequence

from stream.contracts.dead_letters import Reason
from stream.intake.endings import Endings
from stream.intake.events import Intake, Record, Reject


def without(intake: Intake, records: Sequence[Record], known: Container[str], endings: Endings) -> Intake:
    """The events of known deployments; the others become rejects, with their line's number and raw bytes.

    `records`: those that the intake was read from.
    """
    if all(event.deployment_id in known for event in intake.events):
        return intake
    lines = _event_lines(intake, {record.offset: record.value for record in records})
    kept = []
    rejects = list(intake.rejects)
    for index, event in enumerate(intake.events):
        if event.deployment_id in known:
            kept.append(index)
            continue
        number, raw = lines[index]
        reason, detail = _refusal(event.deployment_id, endings)
        rejects.append(Reject(intake.offsets[index], number, reason, detail, raw))
    return Intake([intake.events[i] for i in kept], [intake.offsets[i] for i in kept], rejects, intake.lines)


def _refusal(deployment_id: str, endings: Endings) -> tuple[Reason, str]:
    """Why an event cannot be counted."""
    ending = endings.get(deployment_id)
    if ending is None:
        return Reason.UNKNOWN_DEPLOYMENT, f"no deployment {deployment_id[:100]!r} was ever announced"
    return Reason.ENDED_DEPLOYMENT, f"deployment {deployment_id[:100]!r} ended at {ending.ts}: {ending.reason}"


def _event_lines(intake: Intake, values: Mapping[int, bytes]) -> list[tuple[int, bytes]]:
    """Number (from 0) and bytes of the line that each event stood in: those of its record that were not rejected."""
    rejected: dict[int, set[int]] = {}
    for reject in intake.rejects:
        rejected.setdefault(reject.offset, set()).add(reject.line)
    found: list[tuple[int, bytes]] = []
    for offset in dict.fromkeys(intake.offsets):
        lines = enumerate(values[offset].split(b"\n"))
        wrong = rejected.get(offset, set())
        found += [(number, line) for number, line in lines if line.strip() and number not in wrong]
    return found
