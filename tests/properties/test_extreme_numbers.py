"""Any numbers that JSON can hold go the whole way, from the bytes of an event to the bytes of its metrics."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from stream.config import EvaluationConfig
from stream.contracts import panes
from stream.contracts.deployments import DeploymentRecord
from stream.contracts.deployments import decode as decode_deployment
from stream.contracts.deployments import encode as encode_deployment
from stream.contracts.identity import Identity
from stream.contracts.metrics import decode_drift, decode_service, encode_lines, encode_records
from stream.contracts.panes import Pane
from stream.contracts.timestamps import to_text
from stream.histograms.binning import Binner
from stream.intake.events import Record, read_records
from stream.intake.targets import Target
from stream.panes.partition_counter import PartitionCounter
from stream.profiles.build import build_profile
from stream.profiles.codec import unpack_profile
from stream.profiles.profile import Profile
from stream.windows.baseline import learn_profile
from stream.windows.evaluation import evaluate
from stream.windows.partition_windows import PartitionWindows
from stream.windows.window import WINDOWS

BASE = 1_800_000_000
IDENTITY = Identity("default", "m", 1, "d")
ANNOUNCED = DeploymentRecord(
    deployment_id="d", workspace="default", model="m", version=1, ts=to_text(BASE), action="live", baseline_rows=4
)

FLOATS = (1.7e308, -1.7e308, 5e-324, -5e-324, 1e149, -1e149, 9e149, 1e150, 2.2e-308, 1.0, 0.1, -0.0)
WHOLE = (0, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**19, -(10**30), 10**150, 10**308, 10**399, -(10**400) + 1)
numbers = st.sampled_from([*FLOATS, *WHOLE, True, False])
values = numbers | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.sampled_from(["x", None])
predictions = values | st.lists(values, max_size=2) | st.dictionaries(st.sampled_from("ab"), values, max_size=2)
latencies = st.sampled_from([1.7e308, 1e9, 1e9 + 1, 5e-324, -5e-324, -0.0, 0, 10**30, 10**400, True]) | st.floats(
    0, 1e9
)
features = st.fixed_dictionaries({"a": values, "b": numbers, "c": values})
events = st.fixed_dictionaries({"features": features, "prediction": predictions, "latency_ms": latencies})
batches = st.lists(st.lists(events, min_size=1, max_size=4), min_size=1, max_size=8)
plain = st.floats(-1e149, 1e149)
references = st.lists(st.tuples(plain | numbers, plain, numbers), min_size=2, max_size=6)


def profile_of(rows: list[tuple[Any, Any, Any]]) -> Profile:
    columns = {name: [row[index] for row in rows] for index, name in enumerate("abc")}
    return build_profile(columns, {"prediction": [row[0] for row in rows]}, model="m", version=1)


def target_of(profile: Profile | None) -> Target:
    if profile is None:
        return Target(IDENTITY, None, None, 0, ANNOUNCED.baseline_rows)
    return Target(IDENTITY, profile.id, Binner(profile), profile.size, ANNOUNCED.baseline_rows)


def line(number: int, event: Mapping[str, Any]) -> bytes:
    whole = {
        "event_id": str(number), "ts": to_text(BASE + number), "deployment_id": "d", "workspace": "default",
        "model": "m", "version": 1, **event,
    }  # fmt: skip
    return json.dumps(whole).encode()


class Way:
    """What the workers do, without workers: every state and every message is read back from its bytes."""

    def __init__(self, profile: Profile | None) -> None:
        self.profile = profile
        self.counter = PartitionCounter("t", 0)
        self.windows = PartitionWindows()
        self.written: dict[str, bytes] = {}
        self.accepted = 0
        self.panes = 0

    def count(self, offset: int, value: bytes) -> None:
        read = read_records([Record(offset, BASE * 1000, value)])
        self.accepted += len(read.events)
        self.counter.add(read.events, read.offsets, offset, {"d": target_of(self.profile)})
        self.counter = PartitionCounter.unpack(self.counter.pack(), 0)
        for pane in self.counter.changed():
            self._apply(panes.decode(panes.encode(pane)))
        for name, changed in self.windows.changes():
            if changed is None:
                self.written.pop(name, None)
            else:
                self.written[name] = changed
        self.windows = PartitionWindows.restore(self.written)

    def _apply(self, pane: Pane) -> None:
        assert_finite([pane.sums, pane.latency_sum_ms, pane.closes_at])
        self.windows.apply(pane, self.panes, 0 if self.profile is None else self.profile.size)
        self.panes += 1

    def evaluated(self) -> None:
        """Counts are those of the events, and all that is told is finite and reads back as it was."""
        state = self.windows.deployments["d"]
        if self.profile is None:
            self._learn(state.windows.sampled_rows())
        total = state.windows.total(WINDOWS[-1])
        assert total.events == self.accepted
        assert_finite([total.sums.tolist(), total.latency_sum_ms])
        if self.profile is not None and total.profile_id == self.profile.id:
            for _, place in self.profile.slices():
                assert total.counts[place].sum() == self.accepted
        result = evaluate(state.windows, self.profile, 0.2, state.evaluation_memory, EvaluationConfig(), float(BASE))
        drift = [metric for value in encode_records(result.drift) for metric in decode_drift(value)]
        assert drift == result.drift
        assert decode_service(encode_lines(result.service)) == result.service
        assert_finite(msgspec.to_builtins([result.drift, result.service, state.evaluation_memory]))

    def _learn(self, rows: list[dict[str, object]]) -> None:
        """A record like those that come with a model; what comes next can be counted against it."""
        assert len(rows) == min(self.accepted, ANNOUNCED.baseline_rows)
        record = decode_deployment(encode_deployment(learn_profile(ANNOUNCED, rows, float(BASE))))
        learned = Way(unpack_profile(record.profile))
        for number, row in enumerate(rows):
            learned.count(number, line(number, {"features": {"a": 1e149, "b": 2**70}, "prediction": len(row)}))
        learned.evaluated()


def assert_finite(value: Any) -> None:
    assert [number for number in floats_of(value) if not math.isfinite(number)] == []


def floats_of(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from floats_of(part)


@given(batches, st.none() | references)
@example([[{"features": {"a": 2**70, "b": 0, "c": 10**400}, "prediction": -(2**70), "latency_ms": 1.0}]], None)
def test_extreme_numbers_go_the_whole_way(records: list[list[dict[str, Any]]], rows: list[Any] | None) -> None:
    way = Way(None if rows is None else profile_of(rows))
    for offset, record in enumerate(records):
        way.count(offset, b"\n".join(line(offset * 10 + index, event) for index, event in enumerate(record)))
    if way.accepted:
        way.evaluated()
