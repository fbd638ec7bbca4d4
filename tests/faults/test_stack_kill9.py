"""kill -9 of every process of the stack, under load: each acknowledged event is stored once and counted once."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from storage.clickhouse.client import connect
from stream.profiles.codec import decode_profile
from tests.support.broker import KAFKA_HOME, Broker, apache_kafka
from tests.support.clients import Clients
from tests.support.models import FEATURES, training_data, write_classifier
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until
from tidegate.demo.observer import Observer, Place
from tidegate.demo.recount import difference

SEED = int(os.environ.get("TIDEGATE_FAULT_SEED", "20261123"))
KILLS = int(os.environ.get("TIDEGATE_FAULT_KILLS", "5"))
"""20 by hand: see docs/benchmarks.md."""
VICTIMS = ("stream-0", "sink", "gateway", "runner", "clickhouse")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["embedded", "apache"])
def test_every_acknowledged_prediction_is_stored_and_counted_once(kind: str, tmp_path: Path) -> None:
    if kind == "apache" and not KAFKA_HOME:
        pytest.skip("KAFKA_HOME names no installation of Apache Kafka")
    acked = tmp_path / "acked"
    given: dict[str, object] = {"stream_workers": 2, "acked_log": acked, "evaluate_s": 1.0}
    outside = cast(AbstractContextManager[Broker | None], apache_kafka(tmp_path) if kind == "apache" else nullcontext())
    with outside as broker:
        if broker is not None:
            given["kafka_bootstrap"] = broker.bootstrap
        with running_stack(tmp_path, **given) as stack:
            folder = write_model(tmp_path / "model")
            deployment = stack.json("deploy", str(folder))["deployment_id"]
            clients = kill_under_load(stack, broker)
            assert clients.served, f"nothing was served: {clients.answers}"
            ids = set(acked.read_text().split())
            print(f"kills={KILLS} seed={SEED} answers={dict(clients.answers)} acknowledged={len(ids)}")
            compare(stack, deployment, ids)


def write_model(folder: Path) -> Path:
    """With a reference, so that every event is counted against one profile from the first on."""
    write_classifier(folder)
    x, _ = training_data()
    lines = [",".join(FEATURES), *(",".join(str(value) for value in row) for row in x)]
    (folder / "reference.csv").write_text("\n".join(lines))
    return folder


def kill_under_load(stack: RunningStack, broker: Broker | None) -> Clients:
    rng = random.Random(SEED)
    with Clients(f"{stack.gateway_url}/v1/models/market/predict", SEED) as clients:
        wait_until(lambda: len(clients.served) > 50, 30, f"predictions; so far {clients.answers}")
        for victim in schedule(rng, broker is not None):
            time.sleep(rng.uniform(0.5, 2.5))  # where in the flow the kill strikes is part of the seeded schedule
            if victim == "broker":
                cast(Broker, broker).restart()
            else:
                stack.wait_ready(victim, other_than=stack.kill(victim))
        before = len(clients.served)
        wait_until(lambda: len(clients.served) > before + 50, 60, f"predictions after it; so far {clients.answers}")
    return clients


def schedule(rng: random.Random, with_broker: bool) -> Iterator[str]:
    """Every victim as often as the others, in random order."""
    names = [*VICTIMS, *(["broker"] if with_broker else [])]
    for count in range(KILLS):
        if count % len(names) == 0:
            rng.shuffle(names)
        yield names[count % len(names)]


def compare(stack: RunningStack, deployment: str, ids: set[str]) -> None:
    settings = stack.settings
    client = connect(settings.clickhouse_dsn, settings.clickhouse_database)
    observer = Observer(settings.clickhouse_dsn, settings.clickhouse_database, Place("default", "market", deployment))

    def stored() -> Counter[str]:
        return Counter(
            {row[0]: row[1] for row in _rows(client, "SELECT event_id, count() FROM inference_events GROUP BY 1")}
        )

    def settled() -> bool:
        return ids <= stored().keys() and observer.pane_events()[0] == observer.counts().events

    _wait(settled, lambda: _state(ids, stored(), observer), stack)
    found = stored()
    assert [event for event, count in found.items() if count != 1] == [], "stored more than once"
    assert ids - found.keys() == set(), "acknowledged, but not stored"
    record = _rows(client, "SELECT profile FROM deployments WHERE profile IS NOT NULL LIMIT 1")
    profile = decode_profile(record[0][0].encode())
    assert difference(profile, observer.histogram(profile.id), observer.events()) is None


def _wait(settled: Callable[[], bool], state: Callable[[], str], stack: RunningStack) -> None:
    try:
        wait_until(settled, 90, "all events stored, and as many counted", every_s=1.0)
    except AssertionError as error:
        raise AssertionError(f"{error}: {state()}\n{stack.logs()}") from error


def _state(ids: set[str], found: Counter[str], observer: Observer) -> str:
    return (
        f"{len(ids - found.keys())} of {len(ids)} are not stored, {observer.counts().events} are stored, "
        f"{observer.pane_events()[0]} are counted"
    )


def _rows(client: Any, sql: str) -> list[tuple[Any, ...]]:
    return list(client.query(sql).result_rows)
