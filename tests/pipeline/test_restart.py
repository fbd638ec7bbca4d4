"""The embedded broker forgets its topics when it stops: windows, alerts and references are there all the same."""

import random
import time
from datetime import UTC
from pathlib import Path
from typing import Any

import httpx

from storage.clickhouse.client import connect
from stream.windows import WINDOWS
from tests.support.models import FEATURES, training_data, write_classifier, write_test_rows
from tests.support.receiver import Receiver, receiver
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until

ROWS = 400


def test_windows_alerts_and_references_survive_down_and_up(tmp_path: Path) -> None:
    with (
        receiver() as hook,
        running_stack(tmp_path, evaluate_s=0.5, stream_workers=2, webhook_url=hook.url) as stack,
    ):
        stack.json("deploy", str(write_watched(tmp_path / "market")))
        stack.json("deploy", str(write_learning(tmp_path / "learning")))
        send(stack, "market", shift=5.0)
        send(stack, "learning", shift=0.0)
        before = settled(stack)
        assert len({row[0] for row in before}) == 2
        firing = wait_until(lambda: all_firing(stack), 60, "alerts of all that moved") or []
        references = wait_until(lambda: learned(stack), 60, "a reference that is learned")
        told = wait_until(lambda: all_told(hook, firing), 60, "a webhook for each alert") or []

        stack.tidegate("down")
        down = time.time()
        stack.tidegate("up")

        after = wait_until(lambda: newer(stack, down), 60, "windows that were evaluated again")
        assert after == before
        assert alerts(stack) == firing
        # What is sent now is added to what was there.
        send(stack, "learning", shift=0.0)
        grown = wait_until(lambda: more(stack, before), 60, "windows with more in them") or []
        assert all(events in (ROWS, 2 * ROWS) for *_, events in grown)
        assert learned(stack) == references, "the reference was learned anew"
        assert [one.json()["data"]["alert_id"] for one in hook.received] == told, "an alert was told twice"


def write_watched(folder: Path) -> Path:
    write_classifier(folder)
    x, _ = training_data()
    lines = [",".join(FEATURES), *(",".join(str(value) for value in row) for row in x)]
    (folder / "reference.csv").write_text("\n".join(lines))
    return folder


def write_learning(folder: Path) -> Path:
    features = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    write_classifier(folder, f'name = "learning"\n[drift]\nbaseline_rows = 300\n[features]\n{features}')
    write_test_rows(folder, [dict.fromkeys(FEATURES, 0.5)])
    return folder


def send(stack: RunningStack, model: str, shift: float) -> None:
    rng = random.Random(7)
    with httpx.Client(timeout=30) as client:
        for _ in range(ROWS // 4):
            rows = [{name: rng.gauss(shift, 1) for name in FEATURES} for _ in range(4)]
            answer = client.post(f"{stack.gateway_url}/v1/models/{model}/predict", json={"instances": rows})
            assert answer.status_code == 200, answer.text


def settled(stack: RunningStack) -> list[tuple[Any, ...]]:
    """Every window once it holds all that was sent."""

    def full() -> list[tuple[Any, ...]] | None:
        found = windows(stack)
        return found if len(found) == 2 * len(WINDOWS) and {row[-1] for row in found} == {ROWS} else None

    return wait_until(full, 60, f"windows that hold {ROWS} events each") or []


def windows(stack: RunningStack) -> list[tuple[Any, ...]]:
    """Model, window, its end, its newest event, and events, at the newest evaluation."""
    return query(
        stack,
        "SELECT model, `window`, argMax(window_end, ts), argMax(newest_ts, ts), argMax(requests, ts), "
        "argMax(latency_p95_ms, ts), argMax(baseline_p95_ms, ts), argMax(events, ts) "
        "FROM service_metrics GROUP BY model, `window` ORDER BY model, `window`",
    )


def newer(stack: RunningStack, than: float) -> list[tuple[Any, ...]] | None:
    """The windows once those of both models were evaluated again."""
    ((begun,),) = query(stack, "SELECT min(ts) FROM (SELECT max(ts) AS ts FROM service_metrics GROUP BY model)")
    return windows(stack) if begun.replace(tzinfo=UTC).timestamp() > than else None


def more(stack: RunningStack, before: list[tuple[Any, ...]]) -> list[tuple[Any, ...]] | None:
    found = windows(stack)
    day = {row[0]: row[-1] for row in found if row[1] == "24h"}
    return found if day == {"market": ROWS, "learning": 2 * ROWS} and len(found) == len(before) else None


def alerts(stack: RunningStack) -> list[tuple[Any, ...]]:
    """Every change of an alert's state there ever was, but copies, and whether the command shows it as firing."""
    shown = {row["alert_id"] for row in stack.json("alerts")}
    rows = query(stack, "SELECT DISTINCT alert_id, change_id, state FROM alerts ORDER BY alert_id, change_id")
    return [(*row, row[0] in shown) for row in rows]


def all_firing(stack: RunningStack) -> list[tuple[Any, ...]] | None:
    """Of the three features and of the two parts of the prediction."""
    found = alerts(stack)
    return found if len(found) == len(FEATURES) + 2 else None


def learned(stack: RunningStack) -> list[tuple[Any, ...]]:
    return query(
        stack, "SELECT DISTINCT profile_id FROM deployments WHERE model = 'learning' AND profile_id IS NOT NULL"
    )


def all_told(hook: Receiver, firing: list[tuple[Any, ...]]) -> list[str] | None:
    told = [one.json()["data"]["alert_id"] for one in hook.received]
    return told if set(told) >= {row[0] for row in firing} else None


def query(stack: RunningStack, sql: str) -> list[tuple[Any, ...]]:
    client = connect(stack.settings.clickhouse_dsn, stack.settings.clickhouse_database)
    try:
        return list(client.query(sql).result_rows)
    finally:
        client.close()
