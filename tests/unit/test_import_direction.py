"""Who may import whom: data walks one way, and what is pure stays pure. docs/architecture.md says the same in words."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MAY_IMPORT = {
    "model_runner": {"model_runner"},
    "web": {"web", "model_runner"},
    "gateway": {"gateway", "web", "model_runner", "stream"},
    "stream": {"stream"},
    "storage": {"storage", "stream", "web", "model_runner"},
    "dashboards": {"dashboards", "storage", "gateway", "stream"},
    "tidegate": {"tidegate", "dashboards", "storage", "gateway", "stream", "web", "model_runner"},
}
"""Packages of ours that a package may import."""

NARROW = {
    ("gateway", "stream"): ("stream.broker",),
    ("storage", "model_runner"): ("model_runner.disk", "model_runner.names"),
    ("web", "model_runner"): ("model_runner.watched",),
}
"""Where a package may import only some of another."""

INSTEAD = (
    "Instead: hand the value in as an argument; or let the lower folder say with a Protocol what it needs (as "
    "RebuiltWindows in stream/windows/owner.py does); or move the definition that both need to a folder below both. "
    "An arrow is added to this table only where it closes no circle."
)

GROUND = {
    *(
        f"model_runner.{name}"
        for name in ("errors", "decode_errors", "limits", "names", "packages", "plain_text", "suffixes", "watched")
    ),
    *(f"gateway.{name}" for name in ("events", "ids", "log_limit", "prometheus", "refusals")),
    *(f"stream.{name}" for name in ("prometheus", "watched")),
    *(
        f"tidegate.{name}"
        for name in (
            "settings deadlines logging sockets bounded_http monitor web_pages die_with_parent left_out".split()  # noqa: SIM905
        )
    ),
    "tidegate.setting_groups",
    *(f"tidegate.setting_groups.{path.stem}" for path in (ROOT / "tidegate" / "setting_groups").glob("[a-z]*.py")),
}
"""Modules that everything in their package may import; they import nothing of it but each other."""

ARROWS = {
    # model_runner
    "model_runner.schema": "",
    "model_runner.sandbox": "",
    "model_runner.disk": "",
    "model_runner.model": "schema",
    "model_runner.wire": "schema",
    "model_runner.process": "sandbox",
    "model_runner.explaining": "model",
    "model_runner.environment": "disk process",
    "model_runner.folder": "explaining model schema",
    "model_runner.scan": "explaining folder",
    "model_runner.formats": "explaining folder model scan schema",
    "model_runner.serving": "explaining folder formats model process schema wire",
    "model_runner.__main__": "explaining process serving wire",
    "model_runner.checking": "environment explaining folder process sandbox schema serving wire",
    # gateway
    "gateway.edge": "",
    "gateway.emission": "",
    "gateway.bodies": "",
    "gateway.deployer": "",
    "gateway.git.body": "",
    "gateway.git": "",
    "gateway.git.answers": "",
    "gateway.git.memory": "",
    "gateway.git.object_format": "",
    "gateway.git.config": "edge",
    "gateway.routing": "bodies",
    "gateway.git.lfs": "bodies git.answers",
    "gateway.git.backend": "git.answers git.body git.memory",
    "gateway.git.room": "git.config",
    "gateway.management": "edge routing",
    "gateway.data_plane": "bodies emission routing",
    "gateway.git.content": "git.lfs git.memory",
    "gateway.github": "bodies deployer edge management",
    "gateway.bounded_bodies": "bodies management",
    "gateway.config": "data_plane edge emission routing",
    "gateway.health": "routing",
    "gateway.plane": "config data_plane emission routing",
    "gateway.front_door": "bounded_bodies config edge management plane",
    "gateway.app": "config edge emission front_door health management plane routing",
    "gateway.git.receive": "deployer git.content git.lfs",
    "gateway.git.repositories": "git.config git.receive",
    "gateway.git.hook": "git.receive",
    "gateway.git.app": (
        "edge git.answers git.backend git.body git.config git.lfs git.object_format git.receive "
        "git.repositories git.room"
    ),
    # stream
    "stream.contracts": "",
    "stream.config": "contracts",
    "stream.broker": "",
    "stream.delivery": "broker contracts",
    "stream.profiles": "contracts",
    "stream.statistics": "contracts profiles",
    "stream.histograms": "profiles",
    "stream.intake": "broker contracts histograms profiles",
    "stream.exact": "broker config contracts intake",
    "stream.panes": "broker config contracts exact intake profiles",
    "stream.windows": "config contracts exact intake panes profiles statistics",
    "stream.alerting": "config contracts exact intake windows",
    "stream.rebuilding": "alerting broker contracts exact intake panes profiles windows",
    "stream.worker": "alerting broker config contracts exact intake panes rebuilding windows",
    # storage
    "storage.artifact_removal": "",
    "storage.clickhouse": "",
    "storage.clickhouse_server": "",
    "storage.registry": "",
    "storage.artifacts": "artifact_removal",
    "storage.history": "clickhouse",
    "storage.sink": "clickhouse",
    # tidegate
    "tidegate.registry_routes": "",
    "tidegate.parts": "",
    "tidegate.backends": "",
    "tidegate.github": "",
    "tidegate.runner_places": "parts",
    "tidegate.sandboxing": "parts",
    "tidegate.home": "parts",
    "tidegate.pods": "parts runner_places",
    "tidegate.candidates": "",
    "tidegate.rollout": "home parts runner_places",
    "tidegate.supervisor": "backends candidates home parts pods sandboxing",
    "tidegate.deployer.pipeline": "candidates home rollout sandboxing",
    "tidegate.versions": "parts rollout",
    "tidegate.deployer": "deployer.pipeline",
    "tidegate.deployer.jobs": "deployer.pipeline home rollout",
    "tidegate.management": "github rollout versions",
    "tidegate.demo": "deployer parts",
    "tidegate.deployer.sources": "deployer.jobs github",
    "tidegate.cli": "backends demo deployer deployer.pipeline github home management parts rollout supervisor versions",
    "tidegate.processes": (
        "backends deployer.jobs deployer.sources github home management parts registry_routes rollout "
        "runner_places supervisor versions"
    ),
    "tidegate.__main__": "cli",
}
"""From the ground up: what a folder (or a module that lies beside folders) may import of its own package, GROUND and
itself apart. `__main__`, `app`, `worker` and the entry points stand on top."""

OUTSIDE_WORLD = {
    "aiokafka",
    "alembic",
    "asyncio",
    "chdb",
    "clickhouse_connect",
    "confluent_kafka",
    "fastapi",
    "faust",
    "httpx",
    "os",
    "random",
    "socket",
    "sqlalchemy",
    "starlette",
    "subprocess",
    "threading",
    "time",
    "uvicorn",
}
"""What a pure module imports neither itself nor through another module of ours: networks, clocks, dice, processes."""

PURE = {
    "gateway.events",
    "tidegate.deadlines",
    "model_runner.environment.index_settings",
    "model_runner.environment.key",
    "model_runner.environment.needs",
    "model_runner.environment.requirements",
    "model_runner.environment.satisfied",
    "stream.alerting.text",
    "stream.contracts.alerts",
    "stream.statistics.alpha",
    "stream.windows.baseline",
    "stream.histograms.binning",
    "stream.contracts.dead_letters",
    "stream.windows.decision",
    "stream.windows.deployment_windows",
    "stream.contracts.deployments",
    "stream.windows.drift_metric",
    "stream.windows.evaluation",
    "stream.exact.offset_sequence",
    "stream.histograms.histogram",
    "stream.rebuilding.history",
    "stream.profiles.hour_histogram",
    "stream.windows.hour_mixture",
    "stream.intake.events",
    "stream.windows.memory",
    "stream.contracts.metrics",
    "stream.panes.open_pane",
    "stream.panes.filling",
    "stream.contracts.panes",
    "stream.panes.partition_counter",
    "stream.windows.partition_windows",
    "stream.profiles.prediction",
    "stream.profiles.profile",
    "stream.rebuilding.windows",
    "stream.rebuilding.recounting",
    "stream.rebuilding.reopening",
    "stream.alerting.rule_engine",
    "stream.alerting.rules",
    "stream.profiles.series_reference",
    "stream.panes.span",
    "stream.intake.targets",
    "stream.contracts.timestamps",
    "stream.contracts.topics",
    "stream.panes.totals",
    "stream.contracts.decode_errors",
    "stream.windows.window",
    "stream.alerting.set_aside",
    "stream.contracts.sealed",
    "stream.exact.changelog",
    "stream.exact.doubts",
    "stream.exact.kept_twice",
    "stream.exact.pieces",
    "stream.exact.sealing",
    "stream.intake.endings",
    "stream.intake.leaving",
    "stream.intake.unknown",
    "stream.panes.sampling",
    "storage.history.keys",
}
PURE_PACKAGES = ("stream.statistics", "stream.profiles")


def modules() -> dict[str, Path]:
    found = {}
    for package in MAY_IMPORT:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported_by(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(name: str) -> str | None:
    """The longest key of ARROWS that a module lies in; None for the ground and for the packages themselves."""
    if name in GROUND or name in MAY_IMPORT:
        return None
    parts = name.split(".")
    return next((room for end in range(len(parts), 0, -1) if (room := ".".join(parts[:end])) in ARROWS), None)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_one_way(package: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if name.split(".")[0] == package
        for imported in imported_by(path)
        if imported.split(".")[0] in MAY_IMPORT.keys() - MAY_IMPORT[package]
        or (imported in MODULES and not imported.startswith(NARROW.get((package, imported.split(".")[0]), ("",))))
    ]
    assert wrong == [], INSTEAD


@pytest.mark.parametrize("room", ARROWS)
def test_folders_import_one_way(room: str) -> None:
    package = room.partition(".")[0]
    allowed = {f"{package}.{name}" for name in ARROWS[room].split()} | {room}
    wrong = [
        f"{name} imports {imported}: {room} may import {', '.join(sorted(allowed - {room})) or 'the ground alone'}"
        for name, path in MODULES.items()
        if room_of(name) == room
        for imported in imported_by(path)
        if imported in MODULES and imported.split(".")[0] == package and room_of(imported) not in {*allowed, None}
    ]
    assert wrong == [], INSTEAD


def test_every_module_has_a_room() -> None:
    homeless = [
        name
        for name in MODULES
        if room_of(name) is None and name not in GROUND | MAY_IMPORT.keys() and name.split(".")[0] != "web"
    ]
    assert homeless == [], "put it into a folder of ARROWS, or give its new folder a line there"


def test_the_ground_stands_on_nothing() -> None:
    wrong = [
        f"{name} imports {imported}"
        for name in GROUND
        for imported in imported_by(MODULES[name])
        if imported in MODULES
        and imported.split(".")[0] == name.split(".")[0]
        and imported not in GROUND | MAY_IMPORT.keys()
    ]
    assert wrong == [], INSTEAD


def test_the_arrows_make_no_circle() -> None:
    arrows = {room: {f"{room.partition('.')[0]}.{name}" for name in to.split()} for room, to in ARROWS.items()}
    assert {name for to in arrows.values() for name in to} <= arrows.keys(), "an arrow to nowhere"
    list(TopologicalSorter(arrows).static_order())  # raises CycleError


def test_every_folder_says_what_comes_in_and_what_goes_out() -> None:
    silent = [
        name
        for name, path in MODULES.items()
        if path.name == "__init__.py"
        and "migrations" not in name
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


@pytest.mark.parametrize("name", sorted(PURE | {name for name in MODULES if name.startswith(PURE_PACKAGES)}))
def test_pure_modules_know_nothing_of_the_outside_world(name: str) -> None:
    assert name in MODULES, f"{name} is gone: take it off the list"
    seen, waiting, wrong = {name}, [name], []
    while waiting:
        current = waiting.pop()
        for imported in imported_by(MODULES[current]):
            if imported.split(".")[0] in OUTSIDE_WORLD:
                wrong.append(f"{current} imports {imported}")
            elif imported in MODULES and imported not in seen:
                seen.add(imported)
                waiting.append(imported)
    assert wrong == [], "hand the time, the randomness or what was read in as an argument"


def test_only_tidegate_reads_the_settings() -> None:
    readers = {name for name, path in MODULES.items() if "tidegate.settings" in set(imported_by(path))}
    assert {name for name in readers if not name.startswith("tidegate")} == set()
