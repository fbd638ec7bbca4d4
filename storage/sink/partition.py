"""One partition that the sink was given: what was read of it, and where its landing stands."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from storage.sink import prometheus
from storage.sink.buffer import Buffer
from storage.sink.lander import Landed, LandingJob, LandingResult, Overtaken, Partly, Passed, Skipped, TokenUsed
from storage.sink.position import Claim, day_of
from stream.contracts.topics import Topic
from stream.intake.events import Record

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
DOUBTED_RECORDS = 200
"""Of a batch that was refused, or got no answer, so many are tried again at once: each line of them may be asked about
on its own, and what was found out has landed before more of them are."""
PATIENCE = 5
"""So often in a row ClickHouse may refuse with a code that is in no list. Then the record at fault is looked for."""
TOKEN_WAIT_S = 2.0
"""How long an insert that says it landed may stay invisible before it is believed that it never will be there."""


class State(Enum):
    STARTING = auto()
    """It is being found out where reading starts."""
    READING = auto()
    STUCK = auto()
    """A person must look at it; it is tried again now and then."""


@dataclass
class Start:
    """Where reading starts."""

    topic_id: str
    position: int | None
    """Of the table."""
    offset: int
    """The first to read."""


@dataclass
class Partition:
    """Touched by the sink's main thread only. Times are of `clock`, a monotonic one."""

    topic: Topic
    topic_name: str
    number: int
    table: str
    clock: Callable[[], float] = time.monotonic
    state: State = State.STARTING
    busy: bool = False
    """Whether a thread works on it."""
    paused: bool = True
    buffer: Buffer = field(default_factory=lambda: Buffer(0))
    topic_id: str = ""
    position: int | None = None
    attempt: int = 0
    token_seen: bool = False
    """Whether the token of this attempt was found used once: it is believed the second time."""
    doubtful: bool = False
    failures: int = 0
    not_before: float = 0.0
    """When the next attempt may be made."""
    reason: str = "where its reading starts"
    """What it waits for."""
    unlisted: int = 0
    """Failures in a row with a code that is in no list."""
    unlisted_since: float = 0.0
    doubted_until: int = -1
    """Among the records up to this offset one is looked for that ClickHouse does not take."""
    in_flight: list[Record] = field(default_factory=list)
    end_seen: int = -1
    """The last offset at which the broker said that nothing follows."""
    range_day: int | None = None
    """Day of the first record after `position`; None before one was read."""

    def __str__(self) -> str:
        return f"{self.topic_name} [{self.number}]"

    def begin(self, start: Start) -> None:
        self.state = State.READING
        self.topic_id = start.topic_id
        self.position = start.position
        self.buffer = Buffer(start.offset)
        self.end_seen = -1
        self.range_day = None
        self._settled()

    def restart(self, reason: str) -> None:
        """Find out again where to go on; what was not landed is read again."""
        self.state = State.STARTING
        self.reason = reason
        self.buffer = Buffer(0)
        self.in_flight = []

    def failed(self, reason: str, *, unlisted: bool = False) -> None:
        """Keep everything, and try again a little later, asking first how far the last attempt got."""
        self.busy = False
        if not unlisted:
            self.unlisted = 0
        else:
            self.unlisted_since = self.unlisted_since if self.unlisted else self.clock()
            self.unlisted += 1
        if self.unlisted >= PATIENCE and self.in_flight:
            self.doubted_until = max(self.doubted_until, self.in_flight[-1].offset)
        self.buffer.put_back(self.in_flight, self.clock())
        self.in_flight = []
        self.doubtful = True
        self.not_before = self.clock() + BACKOFF_S[min(self.failures, len(BACKOFF_S) - 1)]
        self.failures += 1
        self.reason = reason

    def refused(self) -> None:
        """ClickHouse cannot read some of it: the next attempt finds out which, of its first records."""
        self.busy = False
        self.buffer.put_back(self.in_flight, self.clock())
        self.in_flight = []
        self.doubtful = True

    def due(self, flush_s: float, batch_bytes: int, batch_rows: int) -> bool:
        """Whether its records should be landed now."""
        now = self.clock()
        if self.busy or self.state is not State.READING or self.buffer.since is None or now < self.not_before:
            return False
        full = self.buffer.bytes >= batch_bytes or self.buffer.rows >= batch_rows
        return full or now - self.buffer.since >= flush_s

    def due_to_start(self) -> bool:
        return not self.busy and self.state is not State.READING and self.clock() >= self.not_before

    @property
    def waits(self) -> bool:
        """Whether something keeps it from landing: `reason`."""
        return self.state is not State.READING or bool(self.failures)

    @property
    def behind(self) -> bool:
        """Whether something that was read is not landed."""
        return self.busy or bool(self.in_flight) or bool(self.buffer.records)

    def drained(self, end: int) -> bool:
        """Whether all before `end` is landed. The last offsets may be none of records (a transaction ends in one)."""
        return self.state is State.READING and not self.behind and max(self.end_seen, self.buffer.expected) >= end

    @property
    def held_bytes(self) -> int:
        return self.buffer.bytes + sum(len(record.value) for record in self.in_flight)

    def job(self, now_ms: int) -> LandingJob:
        """All that was read, to be landed; the first of it where that was tried in vain."""
        self.in_flight = self.buffer.take(DOUBTED_RECORDS if self.doubtful else None)
        if self.range_day is None:
            self.range_day = day_of(self.in_flight[0].timestamp_ms, now_ms)
        self.busy = True
        claim = Claim(self.topic_name, self.topic_id, self.number, self.position, self.range_day, self.attempt)
        doubted_since = self.unlisted_since if self.in_flight[0].offset <= self.doubted_until else None
        return LandingJob(self.topic, self.table, claim, self.in_flight, self.doubtful, doubted_since)

    def done(self, outcome: LandingResult) -> None:
        """Take note of what came of the job. Records of another incarnation are the caller's to drop."""
        self.busy = False
        if isinstance(outcome, Landed | Skipped):
            self.in_flight = []
            self._settled()
        if isinstance(outcome, Landed):
            self.position = outcome.position
            self.range_day = None
        elif isinstance(outcome, Partly):
            self._went_on(outcome.position)
            self.position = outcome.position
            self.range_day = None
        elif isinstance(outcome, Passed):
            self._went_on(outcome.offset)
        elif isinstance(outcome, Overtaken):
            self._overtaken(outcome.position)
        elif isinstance(outcome, TokenUsed):
            self._token_used()

    @property
    def read(self) -> int:
        """The offset after the last one that needs no more work."""
        waiting = self.in_flight or self.buffer.records
        return waiting[0].offset if waiting else self.buffer.expected

    def _went_on(self, offset: int) -> None:
        """What is before it needs no more work."""
        left = [record for record in self.in_flight if record.offset >= offset]
        self.in_flight = []
        self.buffer.put_back(left, self.clock())
        self._settled()

    def _settled(self) -> None:
        self.unlisted = 0
        self.attempt = 0
        self.token_seen = False
        self.doubtful = False
        self.failures = 0
        self.not_before = 0.0
        self.reason = ""

    def _overtaken(self, position: int | None) -> None:
        prometheus.OVERTAKEN.labels(self.topic).inc()
        known = [*self.in_flight, *self.buffer.take()]
        self.in_flight = []
        if position is None or not known or not known[0].offset <= position <= self.buffer.expected:
            # How the table got there cannot be seen in what was read here: read again from where it is.
            self.restart("where another sink's landing stands")
            return
        self.buffer.put_back([record for record in known if record.offset >= position], self.clock())
        self.position = position
        self.range_day = None
        self._settled()

    def _token_used(self) -> None:
        """The server wrote the token down and was killed before the rows were there: go on under another one."""
        prometheus.FAILURES.labels(self.topic, "token_used").inc()
        if self.token_seen:
            self.attempt += 1
        self.token_seen = not self.token_seen
        self.failed("an insert that ClickHouse says it has")
        self.not_before = self.clock() + TOKEN_WAIT_S
