"""Which events share a record, what ids look like, what is masked, whose turn it is."""

import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.data_plane.masking import mask_features
from gateway.emission.gathering import Gatherer
from gateway.ids import request_id_of, uuid7s
from gateway.routing.routes import Route, RouteTable, pick

TS = "2026-01-31T12:00:00.123456Z"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 60)), max_size=80))
def test_every_event_is_in_one_record_of_its_deployment_in_order(events: list[tuple[str, int]]) -> None:
    gatherer = Gatherer(max_bytes=100, max_events=7)
    records = []
    for number, (deployment, size) in enumerate(events):
        records += gatherer.add(deployment, str(number), deployment.encode() * size, TS)
    records += gatherer.close_all()
    for deployment in "ab":
        ids = [event_id for record in records if record.deployment_id == deployment for event_id in record.event_ids]
        assert ids == [str(number) for number, (owner, _) in enumerate(events) if owner == deployment]
    for record in records:
        lines = record.value.split(b"\n")
        assert len(lines) == len(record.event_ids) <= 7
        assert len(record.value) <= 100
        assert set(record.value.decode()) <= {record.deployment_id, "\n"}


def test_an_event_larger_than_a_record_stands_alone() -> None:
    gatherer = Gatherer(max_bytes=100, max_events=7)
    assert gatherer.add("a", "1", b"x", TS) == []
    first, second = gatherer.add("a", "2", b"y" * 200, TS)
    assert (first.event_ids, second.event_ids) == (("1",), ("2",))


def test_a_record_has_the_time_of_its_latest_event_and_no_event_lies_after_it() -> None:
    gatherer = Gatherer()
    for number, ts in enumerate((TS, "2026-01-31T12:00:01.000001Z", "2026-01-30T00:00:00.000000Z")):
        gatherer.add("a", str(number), b"x", ts)
    (record,) = gatherer.close_all()
    assert record.stamp_ms == 1_769_860_801_001


def test_ids_are_uuids_of_version_7_and_of_their_time() -> None:
    rng = random.Random(5)
    now_ms = 1_767_225_600_123
    found = [uuid.UUID(text) for text in uuid7s(500, now_ms, rng.randbytes)]
    assert len(set(found)) == 500
    assert {each.version for each in found} == {7}
    assert {each.variant for each in found} == {uuid.RFC_4122}
    assert {each.int >> 80 for each in found} == {now_ms}
    assert [str(each) for each in found] == uuid7s(500, now_ms, random.Random(5).randbytes)


@pytest.mark.parametrize(
    ("header", "kept"),
    [(b"abc-1:2._X", "abc-1:2._X"), (b"", None), (b"a b", None), (b"x" * 129, None), (b"a\r\nb", None), (None, None)],
)
def test_only_a_harmless_request_id_is_kept(header: bytes | None, kept: str | None) -> None:
    assert request_id_of(header) == kept


def test_masking_hides_values_and_unknown_names() -> None:
    features = {"email": "a@b.c", "age": 40, "city": "x", "emial": "a@b.c"}
    assert mask_features(features, frozenset({"email", "age"}), frozenset({"email", "age", "city"})) == {
        "email": "***",
        "age": None,
        "city": "x",
        "emial": "***",
    }
    assert mask_features(features, frozenset({"age"}), None)["emial"] == "a@b.c"
    assert features["email"] == "a@b.c", "the model still gets what was sent"


def _route(deployment: str, weight: float) -> Route:
    return Route(workspace="w", model="m", version=1, deployment_id=deployment, addresses=("s",), weight=weight)


def test_traffic_is_shared_by_weight() -> None:
    table = RouteTable((_route("a", 9), _route("b", 1), _route("shadow", 0)))
    routes = table.by_model["w", "m"]
    rng = random.Random(3)
    picked = [pick(routes, rng.random()).deployment_id for _ in range(10_000)]
    assert picked.count("b") == pytest.approx(1000, abs=100)
    assert "shadow" not in picked
    assert pick(routes, 0.0).deployment_id == "a"
    assert pick(routes, 0.999_999_999_999).deployment_id == "b"
