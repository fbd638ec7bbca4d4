"""The windows of deployments, made again from what landed, where the topics that they were made from are no more. Pure.

A pane is taken as it was counted where all its counts are those of the stored events, for each source partition and
incarnation: both are prefixes of the same records, so as many is the same. Any other pane is counted again from the
events. So the windows are what a recount of storage gives, and reading a day of panes is enough to know it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from numpy.typing import NDArray

from stream.intake.targets import Target
from stream.panes.totals import Totals
from stream.prometheus import UNCOUNTED
from stream.rebuilding.history import History, SlotSum, StoredEvent, Stretch
from stream.rebuilding.recounting import recount_all_that_can_be
from stream.windows.deployment_windows import DeploymentWindows
from stream.windows.evaluation import EvaluationMemory
from stream.windows.memory import recall
from stream.windows.partition_windows import DeploymentState
from stream.windows.window import SLOT_KEPT_SECONDS

log = structlog.get_logger()

TOGETHER = 8
"""Deployments that are asked for together: of more the answers would be large."""


def rebuild(history: History, targets: Mapping[str, Target]) -> dict[str, DeploymentState]:
    """What is known of the deployments from former incarnations of the topics; those without a past are left out.

    Raises:
        HistoryError: the past cannot be read now.
    """
    newest = history.newest([target.identity for target in targets.values()])
    found: dict[str, DeploymentState] = {}
    known = sorted(newest, key=lambda deployment_id: (newest[deployment_id], deployment_id))
    for first in range(0, len(known), TOGETHER):
        some = {deployment_id: targets[deployment_id] for deployment_id in known[first : first + TOGETHER]}
        windows = {
            deployment_id: DeploymentWindows(target.identity, newest_start=newest[deployment_id])
            for deployment_id, target in some.items()
        }
        _fill(history, some, windows)
        memories = history.memories([target.identity for target in some.values()])
        for deployment_id, one in windows.items():
            found[deployment_id] = DeploymentState(one, judgement_of(deployment_id, memories.get(deployment_id)))
    return found


def _fill(history: History, targets: Mapping[str, Target], windows: Mapping[str, DeploymentWindows]) -> None:
    longest = max(SLOT_KEPT_SECONDS)
    day = list(_stretches(targets, windows, longest))
    differing = history.differing(day)
    for seconds in SLOT_KEPT_SECONDS:
        for one in history.sums(list(_stretches(targets, windows, seconds)), seconds, differing):
            own = windows[one.deployment_id]
            own.add_past((seconds, one.start), _totals(one, targets[one.deployment_id]))
            own.profile_id = one.profile_id or own.profile_id
    for block in history.events(day, differing) if differing else ():
        panes, failed = recount_all_that_can_be(block, targets)
        _tell(failed)
        for pane, totals in panes:
            own = windows[pane.deployment_id]
            own.profile_id = totals.profile_id or own.profile_id
            for key in own.slot_keys(pane.start):
                own.add_past(key, totals)
    learning = [target.identity for target in targets.values() if target.profile_id is None]
    for deployment_id, rows in history.samples(learning) if learning else ():
        windows[deployment_id].sample += rows


def _tell(failed: Sequence[tuple[StoredEvent, Exception]]) -> None:
    """Loudly: the windows are without these events."""
    for deployment_id in sorted({event.deployment_id for event, _ in failed}):
        errors = [error for event, error in failed if event.deployment_id == deployment_id]
        UNCOUNTED.inc(len(errors))
        log.error("rebuilding.uncounted", deployment=deployment_id, events=len(errors), detail=repr(errors[0])[:200])


def _stretches(
    targets: Mapping[str, Target], windows: Mapping[str, DeploymentWindows], slot_seconds: int
) -> Iterator[Stretch]:
    """From the first slot that a window may still reach to the newest pane."""
    for deployment_id, one in windows.items():
        end = one.window_end()
        begin = end - SLOT_KEPT_SECONDS[slot_seconds]
        yield Stretch(one.identity, targets[deployment_id].profile_id, begin + -begin % slot_seconds, end)


def _totals(one: SlotSum, target: Target) -> Totals:
    """Bins of a profile that is not the deployment's any more are left out, as of live panes."""
    totals = Totals.empty(one.profile_id, target.size if one.profile_id == target.profile_id else 0)
    totals.events, totals.requests = one.events, one.requests
    totals.failed, totals.refused = one.failed, one.refused
    totals.latency_sum_ms, totals.newest_ts = one.latency_sum_ms, one.newest_ts
    _put(totals.latency, one.latency_bins, one.latency_counts)
    if len(one.bins) and one.bins[-1] < len(totals.counts):
        _put(totals.counts, one.bins, one.counts)
        _put(totals.sums, one.bins, one.sums)
    return totals


def _put(array: NDArray[Any], indices: Sequence[int], values: Sequence[float]) -> None:
    array[list(indices)] = values


def judgement_of(deployment_id: str, memory: str | None) -> EvaluationMemory:
    """What an evaluation remembered; a fresh one where nobody can read it."""
    try:
        return EvaluationMemory() if memory is None else recall(memory)
    except msgspec.MsgspecError as error:
        log.error("rebuilding.memory_unreadable", deployment=deployment_id, detail=str(error))
        return EvaluationMemory()
