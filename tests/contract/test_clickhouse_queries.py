"""Every named query runs on the embedded ClickHouse, and says what was landed."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.events import InferenceEvent
from storage.clickhouse import queries
from storage.clickhouse.client import connect
from storage.clickhouse.migrate import migrate
from storage.clickhouse.ttl import Retention
from storage.sink.config import TABLES
from storage.sink.position import DAY_MS, Claim
from storage.sink.store import Store
from stream.contracts import alerts, panes
from stream.contracts.dead_letters import DeadLetter
from stream.contracts.deployments import DeploymentRecord
from stream.contracts.metrics import DriftMetric, ServiceMetric
from stream.contracts.topics import Topic
from tests.support.clickhouse import clickhouse_server
from tests.support.sink_samples import alert, moment, of_every_topic, pane

NOW = time.time()
MODEL = "electricity"
GIVEN = {
    "workspace": "default",
    "model": MODEL,
    "deployment_id": "d1",
    "series": "price",
    "window": "1m",
    "feature": "price",
    "profile_id": "p1",
    "alert_id": f"{MODEL}-a1",
    "request_id": "request-0",
    "around": moment(NOW)[:-1],
    "limit": 10,
    "max_age_s": 3600,
    # Of the queries by which a restarted stack reads its past:
    "workspaces": ["default"],
    "models": [MODEL],
    "ids": ["d1"],
    "profiles": ["p1"],
    "begins": [0],
    "since": int(NOW) - 3600,
    "until": int(NOW) + 3600,
    "events_id": "another",
    "panes_id": "another",
    "size": 600,
    "grain": 10,
    "without": [],
    "panes": [(1 << 32) + int(NOW) // 10 * 10],
    "seconds": 60,
}
ASKED_ELSEWHERE = {"past_inserts", "past_samples"}
"""What they find is made in tests/contract/test_history.py."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with clickhouse_server(Path(tmp_path_factory.mktemp("ch")) / "data") as server:
        migrate(server.url, "tidegate", Retention(30, 180))
        store = Store(server.url, "tidegate")
        bodies: dict[Topic, list[bytes]] = {topic: [value] for topic, value in of_every_topic(MODEL, NOW).items()}
        start = int(NOW) // 10 * 10
        # What a worker that started again writes again: a change of an alert, and a pane with less and with more in it.
        bodies[Topic.ALERTS] += bodies[Topic.ALERTS]
        bodies[Topic.PANES] += [panes.encode(pane(MODEL, start, 9, 6)), panes.encode(pane(MODEL, start, 2, 3))]
        for topic, lines in bodies.items():
            claim = Claim(topic, "id", 0, None, day=int(NOW * 1000) // DAY_MS)
            store.insert(TABLES[topic], claim, 0, 0, b"\n".join(lines))
        store.close()
        connected = connect(server.url, "tidegate")
        yield connected
        connected.close()


def _ask(client: Any, name: str, **changed: object) -> list[dict[str, Any]]:
    found = queries.load(name)
    moments = {"from": moment(NOW - 3600)[:-1], "to": moment(NOW + 3600)[:-1]}
    if name == "pane_bins":
        moments = {key: value[:19] for key, value in moments.items()}
    given = {**GIVEN, **moments, **changed}
    return list(client.query(found.sql, parameters={key: given[key] for key in found.parameters}).named_results())


@pytest.mark.parametrize("name", sorted(set(queries.names()) - ASKED_ELSEWHERE))
def test_every_query_answers(client: Any, name: str) -> None:
    assert _ask(client, name), f"{name} finds nothing of what was landed"


def test_drift_is_the_newest_of_each_series(client: Any) -> None:
    rows = _ask(client, "latest_drift")
    assert [(row["series"], row["state"], row["psi"]) for row in rows] == [
        ("demand", "quiet", 0.125),
        ("price", "drift", 0.125),
    ]
    assert rows[1]["moved"] == [{"label": "[1, 2)", "reference": 0.25, "window": 0.75, "psi": 0.55}]


def test_errors_of_callers_and_of_the_model_are_apart(client: Any) -> None:
    (row,) = _ask(client, "latest_service")
    assert (row["failed"], row["refused"], row["refused_requests"]) == (1, 3, 2)
    assert (row["error_rate"], row["client_error_rate"]) == (0.1, 0.4)


def test_panes_count_once_whatever_was_written_again(client: Any) -> None:
    assert _ask(client, "pane_counts")[0]["events"] == 6
    assert [(row["bin"], row["count"]) for row in _ask(client, "pane_bins")] == [(0, 1), (7, 5)]


def test_a_change_of_an_alert_shows_once(client: Any) -> None:
    assert [row["change_id"] for row in _ask(client, "recent_alerts")] == [f"{MODEL}-a1-firing"]
    assert [row["alert_id"] for row in _ask(client, "firing_alerts")] == [f"{MODEL}-a1"]


def test_a_resolved_alert_fires_no_more(client: Any) -> None:
    store_claim = Claim("alerts", "id", 0, 1, day=int(NOW * 1000) // DAY_MS)
    store = Store(client.url, "tidegate")
    store.insert("alerts", store_claim, 1, 1, alerts.encode(alert(moment(NOW + 1), "other")))
    assert len(_ask(client, "firing_alerts")) == 2
    later = Claim("alerts", "id", 0, 2, day=store_claim.day)
    ended = msgspec.structs.replace(alert(moment(NOW + 2), "other", "resolved"), resolution="version 2 took its place")
    store.insert("alerts", later, 2, 2, alerts.encode(ended))
    store.close()
    assert [row["alert_id"] for row in _ask(client, "firing_alerts")] == [f"{MODEL}-a1"]
    assert [(row["alert_id"], row["state"], row["resolution"]) for row in _ask(client, "newest_alerts")] == [
        ("other-a1", "resolved", "version 2 took its place"),
        (f"{MODEL}-a1", "firing", None),
    ]


def test_a_feature_is_read_as_it_was_sent(client: Any) -> None:
    values = {
        name: _ask(client, "feature_values", feature=name)[0]["value"]
        for name in ("price", "day", "weekend", "gap", "list", "absent")
    }
    expected = {"price": "0.125", "day": "mon", "weekend": "true", "gap": None, "list": '[1,{"a":"x\'y"}]'}
    assert values == {**expected, "absent": None}


def test_a_position_is_read_from_the_projection(client: Any) -> None:
    plan = client.query(
        "EXPLAIN SELECT max(_last_offset) + 1 FROM inference_events WHERE _topic_id = 'id' AND _partition = 0 "
        "GROUP BY _topic_id, _partition SETTINGS optimize_use_implicit_projections = 0"
    ).result_rows
    assert any("ReadFromMergeTree (position)" in row[0] for row in plan), plan


CONTRACTS: dict[Topic, type[msgspec.Struct]] = {
    Topic.EVENTS: InferenceEvent,
    Topic.PANES: panes.Pane,
    Topic.DRIFT: DriftMetric,
    Topic.SERVICE: ServiceMetric,
    Topic.ALERTS: alerts.Alert,
    Topic.NOTIFICATIONS: alerts.Notification,
    Topic.DEPLOYMENTS: DeploymentRecord,
    Topic.DEAD_LETTERS: DeadLetter,
}


@pytest.mark.parametrize("topic", CONTRACTS)
def test_every_field_of_a_contract_has_its_column(client: Any, topic: Topic) -> None:
    found = client.query(
        "SELECT name FROM system.columns WHERE database = 'tidegate' AND table = {table:String} "
        "AND NOT startsWith(name, '_')",
        parameters={"table": TABLES[topic]},
    )
    columns = {row[0] for row in found.result_rows}
    assert columns == {field.name for field in msgspec.structs.fields(CONTRACTS[topic])} - {"v"}
