"""Whatever the sink's reading raises costs the one record, with a letter, and the others land."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from storage.sink import lander as landing
from storage.sink.batch import Batch, read_batch
from storage.sink.lander import Lander, LandingJob
from storage.sink.position import Claim
from stream.contracts.dead_letters import Reason
from stream.contracts.topics import Topic
from stream.intake.events import Record, Reject


class Letters:
    """Keeps what it is told to write."""

    def __init__(self) -> None:
        self.written: list[Reject] = []

    def write(self, _topic: str, _partition: int, rejects: Sequence[Reject]) -> None:
        self.written += rejects


def test_the_record_at_fault_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(topic: Topic, records: Sequence[Record]) -> Batch:
        if any(record.offset == 1 for record in records):
            raise LookupError("unforeseen")
        return read_batch(topic, records)

    monkeypatch.setattr(landing, "read_batch", failing)
    letters = Letters()
    lander = Lander(cast(Any, None), cast(Any, letters), cast(Any, None))
    records = [Record(offset, 0, b"{}") for offset in range(3)]
    batch = lander._read(LandingJob(Topic.ALERTS, "alerts", Claim("alerts", "id", 0, None, 0), records, doubtful=False))
    assert batch.lines == [b"{}", b"{}"]
    assert [(reject.offset, reject.reason) for reject in batch.rejects] == [(1, Reason.SET_ASIDE)]
    assert batch.letters
    assert batch.last_offset == 2
