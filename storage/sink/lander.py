"""Lands what was read of one partition: one attempt, and what came of it."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storage.sink import prometheus
from storage.sink.batch import Batch, accepted_lines, read_batch
from storage.sink.letters import Letters
from storage.sink.position import Claim
from storage.sink.store import RefusedError, Store, StoreError, UnlistedError
from stream.broker.incarnations import Incarnations
from stream.contracts.dead_letters import DETAIL_CHARS, Reason
from stream.contracts.topics import Topic
from stream.intake.events import Record, Reject

log = logging.getLogger(__name__)
PASSED = 10
"""So many records in a row may be refused before it is believed that their table takes none."""


@dataclass(frozen=True)
class LandingJob:
    """One attempt at one batch."""

    topic: Topic
    table: str
    claim: Claim
    records: Sequence[Record]
    doubtful: bool
    """Whether an earlier attempt ended without an answer: the position is read before anything is sent."""
    doubted_since: float | None = None
    """Since when (time.monotonic()) ClickHouse refuses these records for a reason that is in no list, where it did so
    often that the one at fault is looked for."""


@dataclass(frozen=True)
class Landed:
    """All of it is in the table."""

    position: int


@dataclass(frozen=True)
class Skipped:
    """There was nothing in it to land; the table's position stays where it was."""


@dataclass(frozen=True)
class Partly:
    """What is before this position is in the table."""

    position: int


@dataclass(frozen=True)
class Passed:
    """Nothing landed; what is before this offset needs no more work."""

    offset: int


@dataclass(frozen=True)
class Overtaken:
    """The table's position is another one: part of this, or something else, landed before."""

    position: int | None


@dataclass(frozen=True)
class TokenUsed:
    """ClickHouse says that the token landed, and yet the position did not move."""


@dataclass(frozen=True)
class OtherIncarnation:
    """The topic was deleted, and perhaps made again, since the records were read."""


LandingResult = Landed | Skipped | Partly | Passed | Overtaken | TokenUsed | OtherIncarnation


class Lander:
    """Shared by the sink's threads; a partition has one job at a time."""

    def __init__(self, store: Store, letters: Letters, incarnations: Incarnations) -> None:
        self._store = store
        self._letters = letters
        self._incarnations = incarnations
        self._told: dict[tuple[str, str, str, int], int] = {}
        """By what the letters say and by partition, up to where they are written: a batch may be tried many times."""

    def land(self, job: LandingJob) -> LandingResult:
        """Land it, without the lines that ClickHouse cannot read where the job is doubtful.

        Raises:
            RefusedError: there are such lines; try it again, doubtful.
            StoreError, LettersError, IncarnationError: the same job should be tried again, doubtful, a little later.
        """
        claim = job.claim
        if self._incarnations.current(claim.topic, time.monotonic()) != claim.topic_id:
            return OtherIncarnation()
        if job.doubtful:
            position = self._position(job)
            if position != claim.position:
                return Overtaken(position)
            if self._store.inserting(claim):
                raise StoreError("an earlier insert of this partition still runs")
        try:
            return self._attempt(job)
        except UnlistedError as error:
            if job.doubted_since is None:
                raise
            return self._narrow(job, job.doubted_since, error)

    def _attempt(self, job: LandingJob) -> LandingResult:
        batch = self._without_garbage(job, self._read(job))
        try:
            return self._insert(job, batch)
        except RefusedError:
            if not job.doubtful:
                raise
            return self._insert(job, self._without_refused(job, batch))
        except UnlistedError as error:
            if job.doubted_since is None:
                raise
            left = self._without_refused(job, batch, error)
            if len(left.rejects) == len(batch.rejects):
                raise  # it can be read: something else is wrong with it, or with the table
            return self._insert(job, left)

    def _narrow(self, job: LandingJob, since: float, error: UnlistedError) -> LandingResult:
        """Halve what is sent until it lands, or one record is left: that one is at fault if others of its table land.

        Whatever fails lands nothing, or the position shows it: so each try may use the same claim.
        """
        records = job.records
        while True:
            position = self._position(job)
            if position != job.claim.position:
                return Overtaken(position)
            if len(records) == 1:
                break
            records = records[: len(records) // 2]
            try:
                outcome = self._attempt(replace(job, records=records))
            except UnlistedError as again:
                error = again
            else:
                if isinstance(outcome, Landed):
                    return Partly(outcome.position)
                return Passed(records[-1].offset + 1) if isinstance(outcome, Skipped) else outcome
        return self._pass(job, since, error)

    def _pass(self, job: LandingJob, since: float, error: UnlistedError) -> LandingResult:
        """The first record is refused alone. Go on behind it, where it is shown that its table takes others."""
        for number, record in enumerate(job.records[:PASSED]):
            if number:
                try:
                    outcome = self._attempt(replace(job, records=[record]))
                except UnlistedError as again:
                    error = again
                else:
                    return Partly(outcome.position) if isinstance(outcome, Landed) else Passed(record.offset)
            shown = self._store.took_since(job.table, since)
            if shown or len(job.records) > 1:  # the letter first: what lands behind it advances the position
                self._set_aside(job, record, error)
            if shown:
                return Passed(record.offset + 1)
        raise error

    def _set_aside(self, job: LandingJob, record: Record, error: UnlistedError) -> None:
        log.error("%s: offset %d is set aside: %s", job.claim.topic, record.offset, error)
        reject = Reject(record.offset, -1, Reason.SET_ASIDE, str(error)[:DETAIL_CHARS], record.value)
        if self._tell(job, "set aside", [reject]):
            prometheus.REJECTED.labels(job.topic, reject.reason).inc()

    def _tell(self, job: LandingJob, what: str, rejects: Sequence[Reject]) -> bool:
        """Write letters, each once while this sink lives, and none about letters. Whether any was new."""
        place = (what, job.claim.topic, job.claim.topic_id, job.claim.partition)
        new = [reject for reject in rejects if reject.offset > self._told.get(place, -1)]
        if new and job.topic is not Topic.DEAD_LETTERS:
            self._letters.write(job.claim.topic, job.claim.partition, new)
        if new:
            self._told[place] = max(reject.offset for reject in new)
        return bool(new)

    def _read(self, job: LandingJob) -> Batch:
        """Whatever reading raises costs the record that is at fault, and never the partition."""
        try:
            return read_batch(job.topic, job.records)
        except Exception:
            log.exception("%s: its records are read one by one", job.claim.topic)
        batches = [self._read_alone(job, record) for record in job.records]
        return Batch(
            [line for batch in batches for line in batch.lines],
            [reject for batch in batches for reject in batch.rejects],
            batches[0].letters,
            job.records[-1].offset,
        )

    def _read_alone(self, job: LandingJob, record: Record) -> Batch:
        letters = job.topic not in (Topic.EVENTS, Topic.DEAD_LETTERS)
        try:
            return read_batch(job.topic, [record])
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"[:300]
            log.exception("%s: offset %d is set aside", job.claim.topic, record.offset)
            reject = Reject(record.offset, -1, Reason.SET_ASIDE, detail, record.value)
            if job.topic is Topic.EVENTS:  # whose other letters are the stream worker's
                self._letters.write(job.claim.topic, job.claim.partition, [reject])
            return Batch([], [reject], letters, record.offset)

    def _insert(self, job: LandingJob, batch: Batch) -> LandingResult:
        if not batch.lines:
            self._count_rejects(job, batch)
            return Skipped()
        body = batch.body()
        with prometheus.INSERT_SECONDS.labels(job.topic).time():
            self._store.insert(job.table, job.claim, job.records[0].offset, batch.last_offset, body)
            position = self._position(job)
        if position == job.claim.position:
            return TokenUsed()
        if position != batch.last_offset + 1:
            return Overtaken(position)
        self._count_rejects(job, batch)
        prometheus.INSERTS.labels(job.topic).inc()
        prometheus.ROWS.labels(job.topic).inc(batch.rows)
        prometheus.BYTES.labels(job.topic).inc(len(body))
        return Landed(position)

    def _without_garbage(self, job: LandingJob, batch: Batch) -> Batch:
        """Letters go out before anything that would advance the position past what they are about."""
        if batch.letters:
            self._tell(job, "garbage", batch.rejects)
        return batch

    def _without_refused(self, job: LandingJob, batch: Batch, error: UnlistedError | None = None) -> Batch:
        """`error`: lines are refused for whatever reason that is no server's, and this is what it said."""
        lines = accepted_lines(job.records, batch.rejects)
        refused = set(self._store.refused(job.table, [line.content for line in lines], error is not None))
        detail = "ClickHouse cannot read it into the table's columns"
        detail += f": {error}"[:DETAIL_CHARS] if error else ""
        found = [
            Reject(line.offset, line.number, Reason.REFUSED_BY_CLICKHOUSE, detail, line.content)
            for index, line in enumerate(lines)
            if index in refused
        ]
        self._tell(job, "refused", found)
        kept = [line.content for index, line in enumerate(lines) if index not in refused]
        return replace(batch, lines=kept, rejects=[*batch.rejects, *found])

    def _position(self, job: LandingJob) -> int | None:
        return self._store.position(job.table, job.claim.topic_id, job.claim.partition)

    @staticmethod
    def _count_rejects(job: LandingJob, batch: Batch) -> None:
        for reject in batch.rejects:
            prometheus.REJECTED.labels(job.topic, reject.reason).inc()
