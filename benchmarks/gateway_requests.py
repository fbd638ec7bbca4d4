"""Predictions a second through gateway and runner, beside the runner alone and the bare model."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import joblib
import msgspec
import numpy as np
import uvloop

from benchmarks.closed_loop import Load, closed_loop
from benchmarks.http_client import Connection
from benchmarks.report import Figure, Table, quantile
from benchmarks.run import Run
from benchmarks.watching import metric
from gateway.routing.routes import Route
from model_runner.wire.client import RunnerClient
from stream.contracts.topics import TopicLayout
from tests.support.broker import embedded_broker
from tests.support.children import Child
from tests.support.gateways import write_routes
from tests.support.models import EXAMPLE, FEATURES, write_classifier
from tests.support.ports import free_ports
from tests.support.runners import REPOSITORY, runner
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

CLIENTS = (1, 16, 64)
BARE = "the model alone"
PATH = "/v1/models/market/predict"
KINDS = ("gateway", "runner alone")
Loads = dict[tuple[str, int], list[Load]]


@dataclass(frozen=True)
class Served:
    """Where the model answers."""

    folder: Path
    port: int
    socket: Path


def measure(run: Run) -> Iterator[Table]:
    """One table for the rates, one for the latencies, of the same requests."""
    seconds = run.choose(2, 6)
    with _serving(run.scratch) as served:
        bare = [_bare(served.folder, seconds) for _ in range(run.repetitions)]
        loads: Loads = {(kind, n): [] for kind in KINDS for n in CLIENTS}
        for _ in range(run.repetitions):
            for n in CLIENTS:
                loads["gateway", n].append(uvloop.run(_through_gateway(served, n, seconds)))
                loads["runner alone", n].append(uvloop.run(_runner_alone(served, n, seconds)))
        notes = _notes(served.port)
    how = (
        f"Requests of one row for a pipeline of StandardScaler and LogisticRegression with {len(FEATURES)} numbers. "
        f"Each client asks again as soon as it was answered, {seconds} s each. `gateway`: keep-alive HTTP by a client "
        "that does next to nothing, to the gateway, by Unix socket to the runner and back, each event to the embedded "
        "broker. `runner alone`: the gateway's own client, straight to the runner's socket. `the model alone`: "
        "predict_proba of one row in this process, again and again. All processes share the machine's cores."
    )
    yield Table("Predictions: requests a second", how, _rates(loads, bare), notes)
    yield Table(
        "Predictions: time to the answer", "Of the same requests, as their client saw it.", _latencies(loads, bare)
    )


def _rates(loads: Loads, bare: list[list[float]]) -> list[Figure]:
    figures = [Figure(BARE, tuple(len(one) / sum(one) for one in bare), "requests/s")]
    for (kind, n), found in sorted(loads.items(), key=lambda item: item[0][1]):
        against = _label("runner alone", n) if kind == "gateway" else BARE
        figures.append(Figure(_label(kind, n), tuple(load.per_second for load in found), "requests/s", against))
    return figures


def _latencies(loads: Loads, bare: list[list[float]]) -> list[Figure]:
    figures = []
    for q, unit in ((0.5, "ms, p50"), (0.99, "ms, p99")):
        figures.append(Figure(BARE, tuple(quantile(one, q) * 1000 for one in bare), unit))
        for (kind, n), found in sorted(loads.items(), key=lambda item: item[0][1]):
            against = _label("runner alone", n) if kind == "gateway" else BARE
            figures.append(Figure(_label(kind, n), tuple(load.quantile_ms(q) for load in found), unit, against))
    return figures


def _label(kind: str, clients: int) -> str:
    return f"{kind}, {clients} client{'' if clients == 1 else 's'}"


def _notes(port: int) -> list[str]:
    """Every answered row made an event: how many of them the broker has when the load has ended."""

    def counts() -> tuple[float, float]:
        return metric(port, "tidegate_events_accepted_total"), metric(port, "tidegate_events_acked_total")

    wait_until(lambda: len(set(counts())) == 1, 20, "the acknowledgement of all events", 0.2)
    accepted, acked = counts()
    return [
        f"Events of these requests: {accepted:,.0f} handed to the emitter, {acked:,.0f} acknowledged by the broker."
    ]


@contextmanager
def _serving(scratch: Path) -> Iterator[Served]:
    with ExitStack() as stack:
        broker = stack.enter_context(embedded_broker())
        ensure_topics(broker.bootstrap, TopicLayout())
        folder = write_classifier(scratch / "model")
        process = stack.enter_context(runner(folder, scratch / "r"))
        schema = uvloop.run(_schema(process.socket))
        route = Route(
            workspace="default",
            model="market",
            version=1,
            deployment_id="d-1",
            addresses=(str(process.socket),),
            schema_json=schema,
        )
        routes = scratch / "routes.json"
        write_routes(routes, [route])
        port = free_ports(1)[0]
        command = [sys.executable, "-m", "benchmarks.serving", "--port", str(port), "--bootstrap", broker.bootstrap]
        gateway = Child([*command, "--routes", str(routes)], scratch, "gateway", {"PYTHONPATH": str(REPOSITORY)})
        stack.callback(gateway.stop)
        gateway.start()
        wait_until(lambda: _ready(gateway, port), 30, "the gateway", 0.1)
        yield Served(folder, port, process.socket)


def _ready(gateway: Child, port: int) -> bool:
    if not gateway.running:
        raise RuntimeError(f"the gateway ended: {gateway.log_tail()}")
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def _schema(socket: Path) -> str | None:
    client = RunnerClient(socket)
    try:
        return (await client.describe()).schema
    finally:
        await client.close()


async def _through_gateway(served: Served, clients: int, seconds: float) -> Load:
    body = msgspec.json.encode(EXAMPLE)
    connections = [await Connection.open(served.port, PATH, body) for _ in range(clients)]
    try:
        return await closed_loop([connection.ask for connection in connections], seconds)
    finally:
        for connection in connections:
            connection.close()


async def _runner_alone(served: Served, clients: int, seconds: float) -> Load:
    client = RunnerClient(served.socket)
    try:
        return await closed_loop([lambda: client.predict([EXAMPLE])] * clients, seconds)
    finally:
        await client.close()


def _bare(folder: Path, seconds: float) -> list[float]:
    """Seconds of each prediction, one after the other."""
    model = joblib.load(folder / "model.joblib")
    row = np.array([[EXAMPLE[name] for name in FEATURES]])
    model.predict_proba(row)
    found: list[float] = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        model.predict_proba(row)
        found.append(time.perf_counter() - began)
    return found
