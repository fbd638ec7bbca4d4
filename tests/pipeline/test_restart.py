"""The embedded broker forgets its topics when it stops: windows, alerts and references are there all the same."""

import random
import time
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import httpx
import msgspec
from confluent_kafka import Producer

from gateway.events import encode_record
from stream.contracts.topics import Topic
from stream.windows.window import WINDOWS
from tests.support.models import FEATURES, training_data, write_plain, write_test_rows
from tests.support.receiver import Receiver, receiver
from tests.support.stack import RunningStack, running_stack
from tests.support.stored_windows import differs, rows
from tests.support.traffic import make_event
from tests.support.waiting import wait_until

ROWS = 400
ALERTS = len(FEATURES) + 2 + 1
"""Of the features and of the two parts of the prediction of what moved, and of what fails."""
RULES = ("significant-drift", "error-rate")
"""A slow machine may be told of its latency as well."""


def test_windows_alerts_and_references_survive_down_and_up(tmp_path: Path) -> None:
    with (
        receiver() as hook,
        running_stack(tmp_path, evaluate_s=0.5, stream_workers=2, webhook_url=hook.url) as stack,
    ):
        stack.json("deploy", str(write_watched(tmp_path / "market")))
        stack.json("deploy", str(write_learning(tmp_path / "learning")))
        failing = stack.json("deploy", str(write_failing(tmp_path / "failing")))["deployment_id"]
        send(stack, "market", shift=5.0)
        send(stack, "learning", shift=0.0)
        began = time.time() - 400.0
        produce(stack, failing, began, status=500)
        firing = wait_until(lambda: all_firing(stack), 60, "alerts of all that moved") or []
        produce(stack, failing, began + 80.0, status=200)  # calm, but not for a minute yet
        references = wait_until(lambda: learned(stack), 60, "a reference that is learned")
        before = settled(stack, {"market": ROWS, "learning": ROWS, "failing": 2 * ROWS})
        drift = measured(stack)
        wait_until(lambda: told(hook, "firing") == {row[0] for row in firing}, 60, "a webhook for each alert")

        stack.tidegate("down")
        down = time.time()
        stack.tidegate("up")

        after = wait_until(lambda: newer(stack, down), 60, "windows that were evaluated again")
        assert after == before
        assert differs(stack) == {}
        assert measured(stack) == drift
        assert alerts(stack) == firing
        # What is sent now is added to what was there.
        send(stack, "learning", shift=0.0)
        produce(stack, failing, began + 160.0, status=200)
        settled(stack, {"market": ROWS, "learning": 2 * ROWS, "failing": 3 * ROWS})
        over = wait_until(lambda: told(hook, "resolved"), 60, "an alert that is over, a minute after the last failure")
        assert over == {row[0] for row in firing if row[1] == "error-rate"}
        assert learned(stack) == references, "the reference was learned anew"
        assert [row for row in alerts(stack) if row[2] == "firing"] == [
            (*row[:3], row[3] and row[0] not in over) for row in firing
        ]
        ids = [request.headers["webhook-id"] for request in changes(hook)]
        assert len(ids) == len(set(ids)) == ALERTS + 1, "an alert was told twice"


def write_watched(folder: Path) -> Path:
    write_plain(folder)
    x, _ = training_data()
    lines = [",".join(FEATURES), *(",".join(str(value) for value in row) for row in x)]
    (folder / "reference.csv").write_text("\n".join(lines))
    return folder


def write_learning(folder: Path) -> Path:
    features = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    write_plain(folder, f'name = "learning"\n[drift]\nbaseline_rows = 300\n[features]\n{features}')
    write_test_rows(folder, [dict.fromkeys(FEATURES, 0.5)])
    return folder


def write_failing(folder: Path) -> Path:
    """What it gets comes from this test, with times of its own."""
    features = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    return write_plain(folder, f'name = "failing"\n[drift]\nbaseline_rows = 100000\n[features]\n{features}')


def send(stack: RunningStack, model: str, shift: float) -> None:
    rng = random.Random(7)
    with httpx.Client(timeout=60) as client:
        for _ in range(ROWS // 4):
            rows = [{name: rng.gauss(shift, 1) for name in FEATURES} for _ in range(4)]
            answer = client.post(f"{stack.gateway_url}/v1/models/{model}/predict", json={"instances": rows})
            assert answer.status_code == 200, answer.text


def produce(stack: RunningStack, deployment_id: str, at: float, status: int) -> None:
    """Events of ten seconds, as the gateway would have written them then."""
    rng = random.Random(int(at))
    error = "runner_failed" if status >= 400 else None
    events = [
        msgspec.structs.replace(
            make_event(rng, number, deployment_id, at + number * 10 / ROWS),
            event_id=f"{at}-{number}",
            request_id=f"{at}-{number}",
            model="failing",
            status=status,
            error=error,
            latency_ms=1.0,
            features=dict.fromkeys(FEATURES, 0.5),
        )
        for number in range(ROWS)
    ]
    producer = Producer({"bootstrap.servers": stack.settings.bootstrap, "log_level": 0})
    producer.produce(stack.settings.topics.name(Topic.EVENTS), encode_record(events), partition=0)
    assert producer.flush(60) == 0, "the events were not acknowledged"


def settled(stack: RunningStack, events: dict[str, int]) -> list[tuple[Any, ...]]:
    """Every window, once those of a day hold all that was sent. The shorter ones may have been left behind by then."""

    def full() -> list[tuple[Any, ...]] | None:
        found = windows(stack)
        return found if {row[0]: row[-1] for row in found if row[1] == "24h"} == events else None

    found = wait_until(full, 60, f"windows that hold {events}") or []
    assert len(found) == len(events) * len(WINDOWS)
    wait_until(lambda: differs(stack) == {}, 60, "windows that equal a recount")
    return found


def windows(stack: RunningStack) -> list[tuple[Any, ...]]:
    """Model, window, its end, its newest event, and events, at the newest evaluation."""
    return rows(
        stack,
        "SELECT model, `window`, argMax(window_end, ts), argMax(newest_ts, ts), argMax(requests, ts), "
        "argMax(latency_p95_ms, ts), argMax(baseline_p95_ms, ts), argMax(events, ts) "
        "FROM service_metrics GROUP BY model, `window` ORDER BY model, `window`",
    )


def newer(stack: RunningStack, than: float) -> list[tuple[Any, ...]] | None:
    """The windows once those of all models were evaluated again, their series among it."""
    ((begun,),) = rows(
        stack,
        "SELECT min(newest) FROM (SELECT max(ts) AS newest FROM service_metrics GROUP BY model UNION ALL "
        "SELECT max(ts) AS newest FROM drift_metrics WHERE model = 'market' GROUP BY series, `window`)",
    )
    return windows(stack) if begun.replace(tzinfo=UTC).timestamp() > than else None


def measured(stack: RunningStack) -> list[tuple[Any, ...]]:
    """What `tidegate drift` shows of the model that moved, but when it was evaluated."""
    shown = ("series", "window", "rows_seen", "psi", "state", "since")
    return [tuple(row[name] for name in shown) for row in stack.json("drift", "market")]


def alerts(stack: RunningStack) -> list[tuple[Any, ...]]:
    """Every change of an alert's state there ever was, but copies, and whether the command shows it as firing."""
    shown = {row["alert_id"] for row in stack.json("alerts")}
    return [(*row, row[0] in shown) for row in alert_changes(stack)]


def alert_changes(stack: RunningStack) -> list[tuple[Any, ...]]:
    return rows(stack, f"SELECT DISTINCT alert_id, rule, state FROM alerts WHERE rule IN {RULES} ORDER BY ALL")


def all_firing(stack: RunningStack) -> list[tuple[Any, ...]] | None:
    if len(alert_changes(stack)) != ALERTS:
        return None
    found = alerts(stack)
    return found if len(found) == ALERTS and all(row[2:] == ("firing", True) for row in found) else None


def learned(stack: RunningStack) -> list[tuple[Any, ...]]:
    return rows(
        stack, "SELECT DISTINCT profile_id FROM deployments WHERE model = 'learning' AND profile_id IS NOT NULL"
    )


def told(hook: Receiver, state: str) -> set[str]:
    """Ids of the alerts whose change to this state was posted."""
    data = [request.json()["data"] for request in changes(hook)]
    return {one["alert_id"] for one in data if one["state"] == state}


def changes(hook: Receiver) -> Sequence[Any]:
    return [request for request in hook.received if request.json()["data"]["rule"] in RULES]
