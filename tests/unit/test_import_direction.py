"""Who may import whom: data walks one way, and what is pure stays pure. docs/architecture.md says the same in words."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MAY_IMPORT = {
    "model_runner": {"model_runner"},
    "web": {"web", "model_runner"},
    "gateway": {"gateway", "web", "model_runner"},
    "stream": {"stream"},
    "storage": {"storage", "gateway", "stream", "web"},
    "dashboards": {"dashboards", "storage", "gateway", "stream"},
    "tidegate": {"tidegate", "dashboards", "storage", "gateway", "stream", "model_runner", "web"},
}
"""Packages of ours that a package may import."""

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


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_one_way(package: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if name.split(".")[0] == package
        for imported in imported_by(path)
        if imported.split(".")[0] in MAY_IMPORT.keys() - MAY_IMPORT[package]
    ]
    assert wrong == []


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
    assert wrong == []


def test_only_process_entry_points_read_the_settings() -> None:
    readers = {name for name, path in MODULES.items() if "tidegate.settings" in set(imported_by(path))}
    assert {name for name in readers if not name.startswith("tidegate")} == set()
