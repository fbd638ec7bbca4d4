"""Every process of the stack, in one place: its command, what it waits for, how it shows readiness, when it stops."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

from model_runner.process.launch import HOST_PYTHON, RunnerPython, runner_command
from model_runner.sandbox.plan import Confinement, Mechanism
from tidegate.backends.broker import command as broker_command
from tidegate.parts.monitor_ports import DEPLOYER_OFFSET, NOTIFIER_OFFSET, SINK_OFFSET, STREAM_OFFSET
from tidegate.parts.names import RUNNER_PREFIX
from tidegate.parts.readiness import ExitReady, HttpReady, Readiness, SocketReady, TcpReady
from tidegate.settings import Settings
from tidegate.supervisor.environment import broker_environment, clickhouse_environment
from tidegate.web_pages import names


class StopRank(IntEnum):
    """Order of the stop: traffic ends first; the sink is the last consumer, since it lands what all others wrote."""

    GATEWAY = 0
    DEPLOYER = 1
    RUNNER = 2
    STREAM = 3
    NOTIFIER = 4
    SINK = 5
    CLICKHOUSE = 6
    BROKER = 7
    JOB = 8


@dataclass(frozen=True)
class PortUse:
    port: int
    setting: str
    """The environment variable that changes it."""


@dataclass(frozen=True)
class PartSpec:
    name: str
    command: tuple[str, ...]
    ready: Readiness
    stop_rank: StopRank
    after: tuple[str, ...] = ()
    """Parts that must be ready before this one starts."""
    ports: tuple[PortUse, ...] = ()
    renewed_with_broker: bool = False
    """Whether it starts afresh after the embedded broker did: all topics are new then, and offsets begin at 0."""
    ends_with_broker: bool = False
    """Whether it ends as soon as the embedded broker does, and not only once the new topics are made: what it goes on
    to write would stand in them, with offsets of the old ones. (The sink stays: it still lands what it had read.)"""
    env: Mapping[str, str] | None = None
    """Its whole environment; None for that of the stack."""
    start_timeout_s: float | None = None
    """Seconds until it must be ready; None for what the stack allows."""
    is_boxed: bool = False
    """Whether what is started is a sandbox, and the process that counts lies within."""
    listens_at: Path | None = None
    """Unix socket that is made for it, and handed to it as its standard input."""
    is_a_models: bool = False
    """Whether a model's code runs in it: then neither its words nor its exit code are believed."""
    is_candidate: bool = False
    """Whether its model is being checked: who does that decides how long it may load, and it is never started again."""

    @property
    def is_job(self) -> bool:
        return isinstance(self.ready, ExitReady)


SUPERVISOR = "supervisor"
"""Its log has this name too."""
BROKER = "broker"
CLICKHOUSE = "clickhouse"
PREPARE = "prepare"
SPARE_PREFIX = "spare-"
"""Of a process that is no deployment's yet."""


def plan(settings: Settings, broker_binary: str | None) -> list[PartSpec]:
    """The parts of the stack but the runners, in the order in which they are shown.

    Args:
        broker_binary: of the embedded broker; None where a Kafka of the user's own is used.
    """
    embedded = [*_broker(settings, broker_binary), *_clickhouse(settings)]
    prepare = PartSpec(
        PREPARE,
        _python("tidegate.processes.prepare"),
        ExitReady(),
        StopRank.JOB,
        # It waits for ClickHouse itself, since it has other work to do first.
        after=tuple(part.name for part in embedded if part.name == BROKER),
    )
    readers = [*_streams(settings), _sink(settings), _notifier(settings)]
    return [*embedded, prepare, *readers, _deployer(settings), _gateway(settings)]


def _broker(settings: Settings, binary: str | None) -> list[PartSpec]:
    if binary is None:
        return []
    port = settings.broker_port
    return [
        PartSpec(
            BROKER,
            tuple(broker_command(binary, port)),
            TcpReady(port),
            StopRank.BROKER,
            ports=(PortUse(port, "TIDEGATE_BROKER_PORT"),),
            env=broker_environment(settings),
        )
    ]


def _clickhouse(settings: Settings) -> list[PartSpec]:
    if settings.clickhouse_url is not None:
        return []
    port = settings.clickhouse_port
    hosts = [f"--allowed-host={name}" for name in names(settings.allowed_hosts)]
    path = str(settings.home_path / "clickhouse")
    return [
        PartSpec(
            CLICKHOUSE,
            _python("tidegate.processes.clickhouse", "--path", path, "--port", str(port), *hosts),
            HttpReady(port, "/ping"),
            StopRank.CLICKHOUSE,
            ports=(PortUse(port, "TIDEGATE_CLICKHOUSE_PORT"),),
            env=clickhouse_environment(settings),
        )
    ]


def _streams(settings: Settings) -> list[PartSpec]:
    return [
        replace(
            _monitored(
                settings,
                f"stream-{index}",
                _python("tidegate.processes.stream_worker", "--index", str(index)),
                STREAM_OFFSET + index,
                StopRank.STREAM,
            ),
            ends_with_broker=True,
        )
        for index in range(settings.stream_workers)
    ]


def _sink(settings: Settings) -> PartSpec:
    return _monitored(settings, "sink", _python("tidegate.processes.sink"), SINK_OFFSET, StopRank.SINK)


def _notifier(settings: Settings) -> PartSpec:
    return _monitored(settings, "notifier", _python("tidegate.processes.notifier"), NOTIFIER_OFFSET, StopRank.NOTIFIER)


def _deployer(settings: Settings) -> PartSpec:
    command = _python("tidegate.processes.deployer")
    return _monitored(settings, "deployer", command, DEPLOYER_OFFSET, StopRank.DEPLOYER, reads_topics=False)


def _gateway(settings: Settings) -> PartSpec:
    port = settings.gateway_port
    return PartSpec(
        "gateway",
        _python("tidegate.processes.gateway"),
        HttpReady(port, "/readyz"),
        StopRank.GATEWAY,
        after=(PREPARE,),
        ports=(PortUse(port, "TIDEGATE_GATEWAY_PORT"),),
    )


def _monitored(
    settings: Settings, name: str, command: tuple[str, ...], offset: int, rank: StopRank, *, reads_topics: bool = True
) -> PartSpec:
    port = settings.monitor_port + offset
    return PartSpec(
        name,
        command,
        HttpReady(port, "/readyz"),
        rank,
        after=(PREPARE,),
        ports=(PortUse(port, "TIDEGATE_MONITOR_PORT"),),
        renewed_with_broker=reads_topics,
    )


def runner_spec(
    deployment_id: str,
    folder: Path,
    socket: Path,
    confinement: Confinement,
    python: RunnerPython = HOST_PYTHON,
    *,
    name: str | None = None,
    arguments: tuple[str, ...] = (),
) -> PartSpec:
    """One runner of a deployment, whose files are in `folder`; by default it has the deployment's name."""
    launch = runner_command(folder, deployment_id, python=python, confinement=confinement, arguments=arguments)
    return PartSpec(
        f"{RUNNER_PREFIX}{name or deployment_id}",
        launch.argv,
        SocketReady(socket),
        StopRank.RUNNER,
        env=launch.env,
        start_timeout_s=confinement.limits.load_seconds,
        is_boxed=confinement.mechanism is Mechanism.BUBBLEWRAP,
        listens_at=socket,
        is_a_models=True,
    )


def spare_spec(name: str, folder: Path, socket: Path, confinement: Confinement, arguments: tuple[str, ...]) -> PartSpec:
    """A process that is to become a runner: ready as soon as it can."""
    spec = runner_spec(name, folder, socket, confinement, arguments=arguments)
    return replace(spec, name=name, ready=SocketReady(socket, "spare"), is_candidate=True)


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)
