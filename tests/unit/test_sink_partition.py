"""A partition's way from its start through landed, failed, overtaken and refused batches."""

from storage.sink.lander import Landed, Overtaken, Skipped, TokenUsed
from storage.sink.partition import DOUBTED_RECORDS, TOKEN_WAIT_S, Partition, Start, State
from stream.contracts.topics import Topic
from stream.intake.events import Record

DAY_MS = 86_400_000


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _partition(position: int | None = 10, offset: int = 10) -> tuple[Partition, Clock]:
    clock = Clock()
    partition = Partition(Topic.ALERTS, "alerts", 0, "alerts", clock)
    partition.begin(Start("id", position, offset))
    return partition, clock


def _read(partition: Partition, offsets: range, day: int = 20_000) -> None:
    for offset in offsets:
        partition.buffer.add(Record(offset, day * DAY_MS, b"{}"), partition.clock())


def _job_offsets(partition: Partition) -> list[int]:
    return [record.offset for record in partition.job(20_000 * DAY_MS).records]


def test_a_batch_goes_after_its_time_or_at_its_size() -> None:
    partition, clock = _partition()
    _read(partition, range(10, 12))
    assert not partition.due(0.5, 1000, 1000)
    assert partition.due(0.5, 4, 1000)
    assert partition.due(0.5, 1000, 2)
    clock.now += 0.5
    assert partition.due(0.5, 1000, 1000)
    partition.job(0)
    assert not partition.due(0.0, 1, 1), "one insert at a time"


def test_the_next_claim_goes_on_from_what_landed() -> None:
    partition, _ = _partition()
    _read(partition, range(10, 13))
    partition.job(20_000 * DAY_MS)
    partition.done(Landed(13))
    _read(partition, range(13, 14), day=20_001)
    claim = partition.job(20_001 * DAY_MS).claim
    assert (claim.position, claim.day) == (13, 20_001)


def test_a_failed_batch_is_kept_and_doubted_and_may_grow() -> None:
    partition, clock = _partition()
    _read(partition, range(10, 12))
    partition.job(20_000 * DAY_MS)
    _read(partition, range(12, 14))
    partition.failed("away")
    assert not partition.due(0.0, 1, 1), "it waits before it tries again"
    clock.now += 10
    job = partition.job(20_000 * DAY_MS)
    assert [record.offset for record in job.records] == [10, 11, 12, 13]
    assert (job.doubtful, job.claim.position) == (True, 10)


def test_of_a_batch_that_was_refused_the_first_records_are_looked_at_before_the_others() -> None:
    partition, clock = _partition()
    _read(partition, range(10, 10 + DOUBTED_RECORDS + 5))
    partition.job(20_000 * DAY_MS)
    partition.refused()
    clock.now += 1
    assert partition.due(0.5, 10**9, 10**9), "without waiting for anything to pass"
    first = partition.job(20_000 * DAY_MS)
    assert (first.doubtful, len(first.records)) == (True, DOUBTED_RECORDS)
    partition.done(Landed(10 + DOUBTED_RECORDS))
    rest = partition.job(20_000 * DAY_MS)
    assert (rest.doubtful, [record.offset for record in rest.records]) == (False, list(range(210, 215)))


def test_an_answer_that_was_lost_is_found_in_the_position() -> None:
    partition, _ = _partition()
    _read(partition, range(10, 14))
    partition.job(20_000 * DAY_MS)
    partition.done(Overtaken(12))
    assert partition.state is State.READING
    assert (partition.position, _job_offsets(partition)) == (12, [12, 13])


def test_another_sink_that_is_further_on_is_followed_by_reading_again() -> None:
    for position in (99, 3, None):
        partition, _ = _partition()
        _read(partition, range(10, 14))
        partition.job(20_000 * DAY_MS)
        partition.done(Overtaken(position))
        assert partition.state is State.STARTING
        assert not partition.behind
        assert partition.due_to_start()


def test_garbage_advances_reading_but_not_the_claim() -> None:
    partition, _ = _partition()
    _read(partition, range(10, 12), day=20_000)
    partition.job(20_000 * DAY_MS)
    partition.done(Skipped())
    assert partition.read == 12
    _read(partition, range(12, 13), day=20_001)
    claim = partition.job(20_001 * DAY_MS).claim
    assert (claim.position, claim.day) == (10, 20_000), "whoever starts from the table would claim the same"


def test_a_used_token_is_believed_the_second_time() -> None:
    partition, clock = _partition()
    _read(partition, range(10, 12))
    attempts = []
    for _ in range(5):
        attempts.append(partition.job(20_000 * DAY_MS).claim.attempt)
        partition.done(TokenUsed())
        assert not partition.due(0.0, 1, 1)
        clock.now += TOKEN_WAIT_S
    assert attempts == [0, 0, 1, 1, 2]
    partition.job(20_000 * DAY_MS)
    partition.done(Landed(12))
    assert partition.attempt == 0
