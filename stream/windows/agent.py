"""Agent 2: `feature.panes` to windows, evaluated every few seconds to `drift.metrics` and `service.metrics`."""

import asyncio
import copy
import time
from collections.abc import Callable, Sequence
from typing import cast

import structlog

from stream.config import StreamConfig
from stream.contracts.dead_letters import Reason
from stream.contracts.deployments import DeploymentRecord
from stream.contracts.deployments import encode as encode_deployment
from stream.contracts.metrics import encode_lines, encode_records, in_role
from stream.contracts.topics import StateTable, Topic
from stream.exact.agent import Agent, StepOutput
from stream.exact.changelog import pack_value
from stream.exact.ports import AgentApp, Sent, StateValues
from stream.intake.catalog import Catalog
from stream.intake.events import Record, Reject
from stream.prometheus import EVALUATIONS, PANES_OF_ENDED, PANES_PASSED, TOO_LARGE
from stream.windows.baseline import learn_profile
from stream.windows.evaluation import Evaluation, evaluation_steps
from stream.windows.memory import with_memory
from stream.windows.owner import ReadPanes, RebuiltWindows, WindowsOwner, decoded
from stream.windows.partition_windows import DeploymentState

log = structlog.get_logger()

REST = 3.0
"""Times the processor time of an evaluation nothing is evaluated of its deployment: a wide one leaves time for others.

By the processor's time: on a machine that is busy with something else it would rest for minutes."""


class Evaluating(Agent[WindowsOwner, ReadPanes]):
    """Keeps the windows of each partition of `feature.panes` that this worker holds."""

    label = "evaluating"
    table = StateTable.WINDOWS

    def __init__(
        self, app: AgentApp, table: StateValues, catalog: Catalog, config: StreamConfig, past: RebuiltWindows
    ) -> None:
        self._topic = config.layout.name(Topic.PANES)
        super().__init__(app, table, config, [self._topic])
        self._catalog = catalog
        self._past = past

    def _restore(self, partition: int) -> WindowsOwner:
        windows = self._past.windows(partition)
        lost = "all windows of this partition" if windows.all_heal else "the windows of its deployment"
        known = "what is known of former topics and " if windows.rebuilt_for else ""
        fresh = "" if self._past.knows_judgements else "; without ClickHouse they start with fresh judgements"
        return WindowsOwner(
            partition=partition,
            windows=windows,
            damage=windows.damage,
            remedy=f"{lost} are made again from {known}the panes in {self._topic}, as far back as these reach{fresh}",
        )

    def _read(self, _topic: str, records: Sequence[Record]) -> ReadPanes:
        return ReadPanes([(record, decoded(record)) for record in records])

    async def _learn(self, read: ReadPanes) -> None:
        read.ended = await self._catalog.ended_among({pane.deployment_id for pane in read.panes})
        wanted = {pane.profile_id for pane in read.panes if pane.deployment_id not in read.ended} - {None}
        if wanted - self._catalog.profiles.keys():
            await self._catalog.read_to_end()

    def _undo(self, owner: WindowsOwner, read: ReadPanes) -> Callable[[], None]:
        touched = {pane.deployment_id for pane in read.panes}
        saved = {name: copy.deepcopy(owner.windows.deployments.get(name)) for name in touched}

        def undo() -> None:
            for name, state in saved.items():
                if state is None:
                    owner.windows.deployments.pop(name, None)
                else:
                    owner.windows.deployments[name] = state

        return undo

    def _apply(self, owner: WindowsOwner, _topic: str, _records: Sequence[Record], read: ReadPanes) -> StepOutput:
        outcome = StepOutput()
        for record, pane in read.items:
            if isinstance(pane, Reject):
                outcome.rejects.append(pane)
            elif self._past.passed(owner.windows, pane.topic_id):
                PANES_PASSED.inc()
            elif pane.deployment_id in read.ended:
                PANES_OF_ENDED.inc()
            else:
                profile = self._catalog.profile_of(pane.profile_id)
                owner.windows.apply(pane, record.offset, 0 if profile is None else profile.size)
            owner.windows.next_offset = record.offset + 1
        return outcome

    async def _flush(self, owner: WindowsOwner) -> None:
        """Evaluate what changed, write it down, then write the state: a kill between the two only evaluates again."""
        ended = await self._catalog.ended_among(owner.windows.deployments)
        if not owner.held:
            return
        for deployment_id in ended:
            owner.windows.forget(deployment_id)
        sent: list[Sent] = []
        for deployment_id, state in list(owner.windows.deployments.items()):
            if owner.windows.heals and owner.windows.is_lost(deployment_id):
                continue
            if state.to_evaluate and time.monotonic() >= state.rests_until:
                state.to_evaluate = False
                sent += await self._evaluate(owner, deployment_id, state)
                await asyncio.sleep(0)  # many deployments must not hold up the heartbeat
                if not owner.held:
                    return  # whoever has it now evaluates it
        await asyncio.gather(*sent)
        if not owner.held:
            return
        try:
            self._write(owner)
        except Exception as error:  # see `_doubt`
            await self._doubt(owner, error)

    async def _evaluate(self, owner: WindowsOwner, deployment_id: str, state: DeploymentState) -> list[Sent]:
        try:
            learned = await self._learned(owner, state)
        except Exception as error:  # one deployment's trouble must not stop the others
            return await self._not_evaluated(owner, deployment_id, error)
        if learned is not None:
            await self._announce(learned)
            if not owner.held:
                return []
        try:
            messages = await self._measured(deployment_id, state)
        except Exception as error:  # likewise
            return await self._not_evaluated(owner, deployment_id, error)
        owner.failing.discard(deployment_id)
        EVALUATIONS.inc()
        return [await self._sender.send(*message) for message in messages]

    async def _announce(self, learned: DeploymentRecord) -> None:
        await (await self._sender.send(Topic.DEPLOYMENTS, learned.deployment_id, encode_deployment(learned)))
        await self._catalog.catch_up()
        log.info("reference.learned", deployment=learned.deployment_id, wanted=learned.baseline_rows)

    async def _measured(self, deployment_id: str, state: DeploymentState) -> list[tuple[Topic, str, bytes]]:
        record = self._catalog.records.get(deployment_id)
        result = await self._evaluation(deployment_id, state, record)
        state.windows.changed = True
        role = record.role if record else "primary"
        messages = [
            (
                Topic.SERVICE,
                deployment_id,
                encode_lines(with_memory(in_role(result.service, role), state.evaluation_memory)),
            )
        ]
        messages += [(Topic.DRIFT, deployment_id, value) for value in encode_records(in_role(result.drift, role))]
        return messages

    async def _evaluation(
        self, deployment_id: str, state: DeploymentState, record: DeploymentRecord | None
    ) -> Evaluation:
        target = self._catalog.targets.get(deployment_id)
        profile = self._catalog.profile_of(target.profile_id) if target else None
        threshold = record.psi_threshold if record else 0.2
        steps = evaluation_steps(
            state.windows, profile, threshold, state.evaluation_memory, self._config.evaluation, time.time()
        )
        cost = 0.0
        while True:  # in turns with everything else; what would change the windows waits for the agent's lock
            began = time.thread_time()
            try:
                next(steps)
            except StopIteration as done:
                state.rests_until = time.monotonic() + REST * cost
                return cast(Evaluation, done.value)
            cost += time.thread_time() - began
            await asyncio.sleep(0)

    async def _not_evaluated(self, owner: WindowsOwner, deployment_id: str, error: Exception) -> list[Sent]:
        """Told once, as the record that was read last; it is tried again with each pane that comes."""
        if deployment_id in owner.failing:
            return []
        owner.failing.add(deployment_id)
        reject = self._set_aside(self._topic, max(0, owner.windows.next_offset - 1), b"", error)
        detail = f"the windows of {deployment_id[:100]!r} cannot be evaluated: {reject.detail}"
        return [await self._sender.dead_letter(self._topic, owner.partition, reject._replace(detail=detail))]

    async def _learned(self, owner: WindowsOwner, state: DeploymentState) -> DeploymentRecord | None:
        """Without reference data the first events become the reference, announced like one that came with the model."""
        deployment_id = state.windows.identity.deployment_id
        record = self._catalog.records.get(deployment_id)
        if record is None or self._catalog.targets[deployment_id].profile_id is not None:
            state.windows.forget_sample()
            return None
        rows = state.windows.sampled_rows()
        if len(rows) < record.baseline_rows and not state.windows.enough_bytes():
            return None
        try:
            # Seconds where rows are wide: beside everything else.
            return await asyncio.to_thread(learn_profile, record, rows, time.time())
        except ValueError as error:
            await self._give_up(owner, state, f"no reference can be learned from the first {len(rows)} events: {error}")
            return None

    async def _give_up(self, owner: WindowsOwner, state: DeploymentState, detail: str) -> None:
        """Drift of this deployment is not watched, and everybody who looks is told; its service goes on being."""
        deployment_id = state.windows.identity.deployment_id
        TOO_LARGE.labels(self._config.layout.name(Topic.DEPLOYMENTS)).inc()
        log.error("reference.not_learned", deployment=deployment_id, detail=detail)
        state.windows.forget_sample()
        offset = max(0, owner.windows.next_offset - 1)
        reject = Reject(offset, -1, Reason.TOO_LARGE, f"deployment {deployment_id[:100]!r}: {detail}", b"")
        await (await self._sender.dead_letter(self._topic, owner.partition, reject))

    def _write(self, owner: WindowsOwner) -> None:
        windows = owner.windows
        if windows.heals or (owner.written == windows.next_offset and not windows.gone):
            return
        for name, payload in windows.changes():
            value = None if payload is None else pack_value(self._past.panes_id, windows.next_offset - 1, payload)
            self._table.put(owner.partition, name, value)
        owner.written = windows.next_offset
        self._table.mended(owner.partition)
        self._past.written(owner.partition)
