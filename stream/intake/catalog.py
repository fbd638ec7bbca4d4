"""Every deployment there is, from the compacted topic `deployments`: what the workers count against."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from stream.broker.end_offsets import EndOffsets
from stream.contracts.dead_letters import DETAIL_CHARS, Reason, reason_of
from stream.contracts.decode_errors import UNREADABLE
from stream.contracts.deployments import RETIRED, DeploymentRecord, decode
from stream.contracts.identity import Identity
from stream.histograms.binning import Binner
from stream.intake.endings import Ending, Endings
from stream.intake.events import Reject
from stream.intake.targets import Target
from stream.profiles.codec import unpack_profile
from stream.profiles.profile import Profile
from stream.watched import Watched

log = structlog.get_logger()

REFUSED_KEPT = 1000
END_ANSWER_S = 40.0
CATCH_UP_SECONDS = 10.0
"""A deployment is announced before its first event; this only bounds a broker that does not answer."""


class Catalog:
    """Reads the topic from its beginning and keeps reading; lookups are local."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._partition = TopicPartition(topic, 0)
        self._consumer: AIOKafkaConsumer | None = None
        self._ends: EndOffsets | None = None
        self._reading = asyncio.Lock()
        self._watched = Watched()
        self.targets: dict[str, Target] = {}
        self.records: dict[str, DeploymentRecord] = {}
        self.profiles: dict[str, Profile] = {}
        """By profile id."""
        self.refused: deque[Reject] = deque(maxlen=REFUSED_KEPT)
        """Records that could not be learned, until their letters are written."""
        self.endings = Endings()
        """Of the deployments that ended, also of those still in `targets`: their last events may be on their way."""

    async def start(self) -> None:
        """Returns when every deployment announced so far is known."""
        self._ends = EndOffsets(self._bootstrap)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=16_777_216
        )
        await self._consumer.start()
        self._consumer.assign([self._partition])
        await self._consumer.seek_to_beginning(self._partition)
        await self.read_to_end()  # what is missing here would count as ended
        self._watched.start(self._follow(), "catalog")

    def trouble(self) -> str | None:
        """Why it follows the topic no longer; None while it does."""
        return self._watched.trouble()

    async def stop(self) -> None:
        await self._watched.stop()
        if self._consumer is not None:
            await self._consumer.stop()

    async def read_to_end(self) -> None:
        """Catch up, however long it takes: what would be decided without it would be decided wrongly.

        Raises:
            EndUnknownError: no broker answers.
        """
        while not await self.catch_up():
            pass  # it told the log, and rested as long as it may take

    async def catch_up(self) -> bool:
        """Read up to the end that the topic has now; False where the broker took too long.

        Raises:
            EndUnknownError: no broker answers.
        """
        consumer, ends = self._require()
        key = self._partition.topic, self._partition.partition
        end = (await asyncio.to_thread(ends.ask_all, [key], END_ANSWER_S))[key]
        async with self._reading:
            deadline = asyncio.get_running_loop().time() + CATCH_UP_SECONDS
            while await consumer.position(self._partition) < end:
                if asyncio.get_running_loop().time() > deadline:
                    log.warning("deployments.catch_up_timed_out", end=end)
                    return False
                await self._read(timeout_ms=200)
        return True

    async def ended_among(self, deployment_ids: Iterable[str]) -> dict[str, Ending]:
        """Those that ended, and why. One that is not announced counts as ended once all of the topic was read."""
        asked = set(deployment_ids)
        sure = True
        if asked - self.records.keys() - self.endings.keys():
            sure = await self.catch_up()
        return self.endings.among(asked, self.records if sure else None)

    def forget(self, deployment_id: str) -> None:
        """Let go of what its events were counted against; that it ended is still known."""
        self.records.pop(deployment_id, None)
        target = self.targets.pop(deployment_id, None)
        if target is not None and target.profile_id is not None:
            others = {other.profile_id for other in self.targets.values()}
            if target.profile_id not in others:
                self.profiles.pop(target.profile_id, None)

    def profile_of(self, profile_id: str | None) -> Profile | None:
        return self.profiles.get(profile_id) if profile_id else None

    def known(self) -> Iterator[str]:
        return iter(self.targets)

    def take(self, value: bytes, offset: int = 0) -> None:
        """Learn one record. One that cannot be learned is kept for its letter, and passed over."""
        try:
            self._learn(value)
        except MemoryError:
            raise
        except Exception as error:  # whatever it is costs the one deployment; every worker reads every record
            reason = reason_of(error, Reason.WRONG_TYPE if isinstance(error, UNREADABLE) else Reason.SET_ASIDE)
            log.error("deployments.unreadable", offset=offset, exc_info=error)
            detail = f"{type(error).__name__}: {error}"[:DETAIL_CHARS]
            self.refused.append(Reject(offset, -1, reason, detail, value))

    def _learn(self, value: bytes) -> None:
        record = decode(value)
        profile = None if record.profile is None else unpack_profile(record.profile)
        if record.deployment_id in self.endings:
            return
        if record.action == RETIRED:
            self.endings.note(record.deployment_id, Ending(record.ts, record.reason or "it was retired"))
            return
        if profile is None and self._has_profile(record):
            known = self.records[record.deployment_id]
            self.records[record.deployment_id] = msgspec.structs.replace(
                known, action=record.action, role=record.role, weight=record.weight, branch=record.branch
            )
            return
        target = _target(record, profile)  # which may raise, and then nothing of it is known
        if profile is not None:
            self.profiles[profile.id] = profile
        self.records[record.deployment_id] = msgspec.structs.replace(record, profile=None)  # it would be there twice
        self.targets[record.deployment_id] = target

    def _has_profile(self, record: DeploymentRecord) -> bool:
        """A record without a profile changes none: its role changed, or it is announced again after a restart."""
        known = self.targets.get(record.deployment_id)
        return known is not None and known.profile_id is not None

    async def _follow(self) -> None:
        while True:
            async with self._reading:
                await self._read(timeout_ms=100)
            await asyncio.sleep(0.1)

    async def _read(self, timeout_ms: int) -> None:
        consumer, _ = self._require()
        batches = await consumer.getmany(self._partition, timeout_ms=timeout_ms)
        for messages in batches.values():
            for message in messages:
                if message.value is not None:
                    self.take(message.value, message.offset)
                elif message.key is not None:  # it ended so long ago that its records are removed
                    self.forget(message.key.decode(errors="replace"))

    def _require(self) -> tuple[AIOKafkaConsumer, EndOffsets]:
        if self._consumer is None or self._ends is None:
            raise RuntimeError("start the catalog before reading it")
        return self._consumer, self._ends


def _target(record: DeploymentRecord, profile: Profile | None) -> Target:
    identity = Identity(record.workspace, record.model, record.version, record.deployment_id)
    if profile is None:
        return Target(identity, None, None, 0, record.baseline_rows)
    return Target(identity, profile.id, Binner(profile), profile.size, record.baseline_rows)
