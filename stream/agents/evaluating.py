"""Agent 2: `feature.panes` to windows, evaluated every few seconds to `drift.metrics` and `service.metrics`."""

import asyncio
import time
from typing import Any

import structlog

from stream import panes
from stream.agents.config import StreamConfig
from stream.agents.inputs import Inputs
from stream.agents.rebuilding import Rebuilding
from stream.agents.sender import Sender, Sent
from stream.baseline import learn_profile
from stream.catalog import Catalog
from stream.dead_letters import Reason
from stream.deployments import encode as encode_deployment
from stream.evaluation import evaluate
from stream.exact import ExactApp, ExactTable, pack_value, partition_key
from stream.intake import Record, Reject
from stream.memory import with_memory
from stream.metric_names import EVALUATIONS, FLUSH_SECONDS, PANES_OF_ENDED, PANES_PASSED
from stream.metrics import encode_lines, in_role
from stream.partition_windows import DeploymentState, PartitionWindows
from stream.topics import Topic
from stream.unreadable import UNREADABLE

log = structlog.get_logger()


class Evaluating:
    """Keeps the windows of each partition of `feature.panes` that this worker holds."""

    def __init__(
        self, app: ExactApp, table: ExactTable, catalog: Catalog, config: StreamConfig, past: Rebuilding
    ) -> None:
        self._table = table
        self._catalog = catalog
        self._config = config
        self._past = past
        self._topic = config.layout.name(Topic.PANES)
        self._sender = Sender(app, config)
        self._writing = asyncio.Lock()
        self._written: dict[int, int] = {}
        self.inputs = Inputs(app, self._topic)
        self.partitions: dict[int, PartitionWindows] = {}

    def resume(self, partition: int) -> int:
        """Take up a partition where its state ends."""
        windows = self._past.windows(partition)
        self.partitions[partition] = windows
        self._written.pop(partition, None)
        log.info("evaluating.resumed", partition=partition, next_offset=windows.next_offset)
        return self.inputs.assign(partition, windows.next_offset)

    def revoke(self, partition: int) -> None:
        self.partitions.pop(partition, None)
        self.inputs.revoke(partition)

    async def run(self, stream: Any) -> None:
        await self.inputs.read(stream, self._config.batch_bytes, self._take_batch)

    async def flush(self) -> None:
        """Evaluate what changed, write it down, then write the state: a kill between the two only evaluates again."""
        async with self._writing:
            with FLUSH_SECONDS.labels("evaluating").time():
                await self._apply_pending()
                for partition, windows in list(self.partitions.items()):
                    for deployment_id in await self._catalog.ended_among(windows.deployments):
                        windows.forget(deployment_id)
                    await self._evaluate(windows)
                    if self.partitions.get(partition) is windows:
                        self._write(partition, windows)

    async def _take_batch(self) -> None:
        async with self._writing:
            await self._apply_pending()

    async def _apply_pending(self) -> None:
        for partition, records in self.inputs.take():
            windows = self.partitions[partition]
            for record in records:
                await self._apply(partition, windows, record)
                windows.next_offset = record.offset + 1

    async def _apply(self, partition: int, windows: PartitionWindows, record: Record) -> None:
        try:
            pane = panes.decode(record.value)
        except UNREADABLE as error:
            reject = Reject(record.offset, -1, Reason.WRONG_TYPE, str(error), record.value)
            await (await self._sender.dead_letter(self._topic, partition, reject))
            return
        if self._past.passed(windows, pane.topic_id):
            PANES_PASSED.inc()
            return
        if await self._catalog.ended_among([pane.deployment_id]):
            PANES_OF_ENDED.inc()
            return
        if pane.profile_id is not None and pane.profile_id not in self._catalog.profiles:
            await self._catalog.catch_up()
        profile = self._catalog.profile_of(pane.profile_id)
        windows.apply(pane, record.offset, 0 if profile is None else profile.size)

    async def _evaluate(self, windows: PartitionWindows) -> None:
        sent: list[Sent] = []
        for deployment_id, state in list(windows.deployments.items()):
            if not state.to_evaluate:
                continue
            state.to_evaluate = False
            await self._learn_reference(state)
            sent += await self._send_metrics(deployment_id, state)
            await asyncio.sleep(0)  # many deployments must not hold up the heartbeat
        await asyncio.gather(*sent)

    async def _send_metrics(self, deployment_id: str, state: DeploymentState) -> list[Sent]:
        record = self._catalog.records.get(deployment_id)
        target = self._catalog.targets.get(deployment_id)
        profile = self._catalog.profile_of(target.profile_id) if target else None
        threshold = record.psi_threshold if record else 0.2
        result = evaluate(state.windows, profile, threshold, state.judgement, self._config.evaluation, time.time())
        state.windows.changed = True
        EVALUATIONS.inc()
        role = record.role if record else "primary"
        service = encode_lines(with_memory(in_role(result.service, role), state.judgement))
        sent = [await self._sender.send(Topic.SERVICE, deployment_id, service)]
        if result.drift:
            drift = encode_lines(in_role(result.drift, role))
            sent.append(await self._sender.send(Topic.DRIFT, deployment_id, drift))
        return sent

    async def _learn_reference(self, state: DeploymentState) -> None:
        """Without reference data the first events become the reference, announced like one that came with the model."""
        deployment_id = state.windows.identity.deployment_id
        record = self._catalog.records.get(deployment_id)
        if record is None or self._catalog.targets[deployment_id].profile_id is not None:
            state.windows.sample.clear()
            return
        learned = learn_profile(record, state.windows.sampled_rows(), time.time())
        if learned is not None:
            await (await self._sender.send(Topic.DEPLOYMENTS, deployment_id, encode_deployment(learned)))
            await self._catalog.catch_up()
            log.info("reference.learned", deployment=deployment_id, rows=record.baseline_rows)

    def _write(self, partition: int, windows: PartitionWindows) -> None:
        if self._written.get(partition) == windows.next_offset and not windows.gone:
            return
        for name, payload in windows.changes():
            key = partition_key(partition, name)
            if payload is None:
                self._table.pop(key, None)
            else:
                self._table[key] = pack_value(self._past.panes_id, windows.next_offset - 1, payload)
        self._written[partition] = windows.next_offset
