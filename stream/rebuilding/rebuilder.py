"""State of partitions that have none yet, since their topics were made anew: read from the past before a record is."""

import asyncio
import copy
import time
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import structlog
from faust.types import TP

from stream.alerting.rule_engine import OpenAlert, RuleEngine
from stream.broker.incarnations import topic_id_bytes
from stream.contracts.alerts import Alert
from stream.contracts.identity import Identity
from stream.contracts.metrics import ServiceMetric
from stream.exact.partitioning import partition_of
from stream.exact.table import ExactTable
from stream.intake.catalog import Catalog
from stream.intake.targets import Target
from stream.prometheus import REBUILD_SECONDS, REBUILDS_FAILED
from stream.rebuilding.history import History, HistoryError
from stream.rebuilding.reopening import reopen, waiting_rules
from stream.rebuilding.windows import judgement_of, rebuild
from stream.windows.evaluation import EvaluationMemory
from stream.windows.partition_windows import POSITION, PartitionWindows, is_position

log = structlog.get_logger()

PATIENCE_S = 60.0
"""How long a past that does not answer is asked again; then the worker ends with the reason, and the next one asks."""
LONGEST_S = 80.0
"""All in all. Faust waits for a seek for 90 s, and then ends its recovery without a word."""
RETRY_S = 0.5
TELL_S = 10.0
CALM_SEEN = 10
"""Service metrics are read back for this many times the calm that a rule waits for."""
_Found = TypeVar("_Found")


class Rebuilding:
    """Of the windows and the open alerts. `prepare` runs after every assignment, before any record of it is taken."""

    def __init__(
        self,
        history: History | None,
        catalog: Catalog,
        windows: tuple[str, ExactTable, str],
        alerts: tuple[Collection[str], ExactTable, str],
        events_id: str,
    ) -> None:
        """`windows` and `alerts`: input topics, table, incarnation. Without a history nothing is rebuilt."""
        self._history = history
        self._catalog = catalog
        self._panes_topic, self._windows_table, panes_id = windows
        self._metric_topics, self._alerts_table, metrics_id = alerts
        self.panes_id, self.metrics_id = topic_id_bytes(panes_id), topic_id_bytes(metrics_id)
        self._events_id = events_id
        self._windows: dict[int, PartitionWindows] = {}
        self._restored: dict[int, tuple[dict[str, bytes], PartitionWindows]] = {}
        """As `prepare` found them, with the values that they are from."""
        self._alerts: dict[int, RuleEngine] = {}
        self.waits_for: str | None = None
        """Why the past is not read yet; None when it is, or nobody needs it."""

    async def prepare(self, assigned: Collection[TP]) -> None:
        """Raises HistoryError when it cannot be read for PATIENCE_S, or takes longer than LONGEST_S."""
        if self._history is None:
            return
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._prepare(assigned)
        except TimeoutError as error:
            raise HistoryError(
                f"windows and alerts could not be rebuilt from ClickHouse in {LONGEST_S:g} s: if it cannot be faster, "
                "TIDEGATE_REBUILD_WINDOWS=false starts with empty ones"
            ) from error

    async def _prepare(self, assigned: Collection[TP]) -> None:
        panes = {tp.partition for tp in assigned if tp.topic == self._panes_topic}
        metrics = {tp.partition for tp in assigned if tp.topic in self._metric_topics}
        windows = {number for number in panes if not self._has_windows(number)}
        alerts = {number for number in metrics if not self._alerts_table.values_of(number, self.metrics_id)[0]}
        self._restored = {number: self._restore(number) for number in panes - windows}
        damaged = {number: found for number, (_, found) in self._restored.items() if found.damage}
        self._windows = {}
        if windows:
            self._windows |= await self._asked("windows", lambda: self._read_windows(windows))
        if damaged:
            self._windows |= await self._asked("damaged windows", lambda: self._read_lost(damaged))
        if alerts:
            self._alerts = await self._asked("alerts", lambda: self._read_alerts(alerts))

    @property
    def knows_judgements(self) -> bool:
        """Somebody can say what the last evaluations left."""
        return self._history is not None

    def windows(self, partition: int) -> PartitionWindows:
        """The state of a partition of `feature.panes`, whatever it is from."""
        values, restored = self._restored.pop(partition, ({}, PartitionWindows()))
        if not values or values != self._windows_table.values_of(partition, self.panes_id)[0]:
            _, restored = self._restore(partition)
        rebuilt = self._windows.get(partition)
        if rebuilt is not None:
            restored.go_on_from(copy.deepcopy(rebuilt))  # it may be asked for again, until it was written
        return restored

    def _restore(self, partition: int) -> tuple[dict[str, bytes], PartitionWindows]:
        values, damage = self._windows_table.values_of(partition, self.panes_id)
        return values, PartitionWindows.restore(values, damage)

    def alerts(self, partition: int) -> RuleEngine:
        """Of a partition of the metric topics that has no state yet. Both topics ask, and get the same."""
        return copy.deepcopy(self._alerts.get(partition)) or RuleEngine()

    def written(self, partition: int) -> None:
        """The windows of a partition stand in the changelog now."""
        self._windows.pop(partition, None)

    def passed(self, windows: PartitionWindows, topic_id: str) -> bool:
        """Whether a pane is in a rebuilt state already: somebody who still knew the old topics sent it."""
        return windows.rebuilt_for == self._events_id != topic_id

    def _has_windows(self, partition: int) -> bool:
        """The position is written last: without it the values are what a kill left of a first writing."""
        value = self._windows_table.values_of(partition, self.panes_id)[0].get(POSITION)
        return value is not None and is_position(value)

    async def _asked(self, what: str, read: Callable[[], _Found]) -> _Found:
        """Ask, in a thread, until there is an answer: without it the windows would silently be others."""
        began = tell_at = time.monotonic()
        try:
            while True:
                try:
                    found = await asyncio.to_thread(read)
                except HistoryError as error:
                    REBUILDS_FAILED.labels(what).inc()
                    self.waits_for = f"its {what}, which are rebuilt from ClickHouse ({error})"
                    if time.monotonic() - began > PATIENCE_S:
                        raise
                    if time.monotonic() >= tell_at:
                        tell_at = time.monotonic() + TELL_S
                        log.warning("rebuilding.waits", what=what, detail=str(error))
                    await asyncio.sleep(RETRY_S)
                else:
                    seconds = time.monotonic() - began
                    REBUILD_SECONDS.labels(what).observe(seconds)
                    log.info("rebuilding.done", what=what, seconds=round(seconds, 2))
                    return found
        finally:
            self.waits_for = None

    def _read_windows(self, partitions: set[int]) -> dict[int, PartitionWindows]:
        history = self._require()
        history.settle()
        found = {number: PartitionWindows(rebuilt_for=self._events_id) for number in partitions}
        targets = {
            deployment_id: target
            for deployment_id, target in list(self._catalog.targets.items())
            if self._home(deployment_id, self._windows_table) in partitions
        }
        for number, windows in found.items():
            if self._windows_table.values_of(number, self.panes_id)[1]:
                homed = {name: t for name, t in targets.items() if self._home(name, self._windows_table) == number}
                windows.remembered = self._remembered(history, homed)
        for deployment_id, state in rebuild(history, targets).items():
            found[self._home(deployment_id, self._windows_table)].deployments[deployment_id] = state
            events = max((slot.totals.events for slot in state.windows.slots.values()), default=0)
            log.info("rebuilding.windows", deployment=deployment_id, slots=len(state.windows.slots), most_events=events)
        return found

    def _read_lost(self, damaged: Mapping[int, PartitionWindows]) -> dict[int, PartitionWindows]:
        """What the topics do not say of the windows that are damaged."""
        history = self._require()
        history.settle()
        found = {}
        for number, windows in damaged.items():
            lost = {
                deployment_id: target
                for deployment_id, target in list(self._catalog.targets.items())
                if self._home(deployment_id, self._windows_table) == number and windows.is_lost(deployment_id)
            }
            past = found[number] = PartitionWindows(rebuilt_for=windows.rebuilt_for)
            if windows.rebuilt_for == self._events_id:  # it began with what was before its topics
                past.deployments.update(rebuild(history, lost))
            past.remembered = self._remembered(history, lost)
        return found

    def _remembered(self, history: History, targets: Mapping[str, Target]) -> dict[str, EvaluationMemory]:
        memories = history.memories([target.identity for target in targets.values()]) if targets else {}
        return {name: judgement_of(name, memory) for name, memory in memories.items()}

    def _read_alerts(self, partitions: set[int]) -> dict[int, RuleEngine]:
        history = self._require()
        history.settle()
        firing = [one for one in history.firing() if self._home(one.deployment_id, self._alerts_table) in partitions]
        found = {number: RuleEngine() for number in partitions}
        for key, opened in self._reopened(history, firing).items():
            found[self._home(opened.alert.deployment_id, self._alerts_table)].open[key] = opened
            log.info("rebuilding.alert", rule=opened.alert.rule, alert=opened.alert.alert_id)
        return found

    def _reopened(self, history: History, firing: list[Alert]) -> dict[str, OpenAlert]:
        waiting = {rule.name: rule for rule in waiting_rules()}
        service: list[ServiceMetric] = []
        for rule in waiting.values():
            whose = [Identity(a.workspace, a.model, a.version, a.deployment_id) for a in firing if a.rule == rule.name]
            for window in rule.windows if whose else ():
                service += history.service(whose, window, int(CALM_SEEN * rule.resolve_after_s))
        return reopen(firing, service)

    def _home(self, deployment_id: str, table: ExactTable) -> int:
        return partition_of(deployment_id, table.partitions or 1)

    def _require(self) -> History:
        if self._history is None:
            raise RuntimeError("there is no history to ask")
        return self._history
