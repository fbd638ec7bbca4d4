"""Who reads the wall clock: it may be set, so it says when something was, and never how long anything may take."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("model_runner", "gateway", "stream", "storage", "tidegate", "dashboards")
WRITTEN_DOWN = {
    "gateway/ids.py": 1,
    "stream/alerting/agent.py": 1,
    "stream/windows/agent.py": 2,
    "stream/exact/sender.py": 1,
    "stream/delivery/outbox.py": 1,
    "storage/registry/deployments.py": 3,
    "storage/registry/github.py": 1,
    "storage/registry/idle.py": 1,
    "storage/registry/jobs.py": 6,
    "storage/registry/traffic.py": 4,
    "storage/registry/versions.py": 2,
    "storage/sink/letters.py": 1,
    "storage/sink/store.py": 1,
    "tidegate/cli/checklist.py": 1,
    "tidegate/cli/commands/drift.py": 1,
    "tidegate/demo/receiver.py": 1,
    "tidegate/deployer/pipeline/switching.py": 1,
    "tidegate/pods/launcher.py": 1,
    "tidegate/processes/prepare.py": 1,
    "tidegate/rollout/engine.py": 3,
    "tidegate/supervisor/__main__.py": 1,
    "tidegate/supervisor/part.py": 2,
    "tidegate/supervisor/stack.py": 2,
    "tidegate/parts/state.py": 1,
}
"""Beside what happened, for people and for other processes."""
COMPARED = {
    "gateway/data_plane/inference.py": 2,  # an event's time, which is not to be after that of its record
    "model_runner/environment/eviction.py": 2,  # with the times of files: an age of days
    "model_runner/environment/store.py": 2,
    "storage/history/clickhouse.py": 1,  # with the times of events
    "storage/sink/service.py": 1,
    # signed and written down; with a receiver's date only where that tells no clock of its own
    "stream/delivery/webhook_delivery.py": 3,
    "tidegate/cli/commands/gc.py": 1,
    "tidegate/cli/commands/status.py": 1,
    "tidegate/demo/sender.py": 1,
    "tidegate/rollout/announcing.py": 1,
    "tidegate/deployer/jobs/cleaning.py": 2,
    "tidegate/deployer/jobs/job_run.py": 1,  # when a job is tried again: over processes' lives, and bounded
    "tidegate/deployer/jobs/service.py": 1,
    "tidegate/home/environments.py": 1,
    "tidegate/management/versions.py": 1,  # a start that nobody can be waiting for, a preview that is over
}
"""With a moment that another process, or an earlier life of the machine, wrote down."""


def test_the_wall_clock_is_read_where_it_is_known_what_for() -> None:
    """Whoever waits, backs off, or ends something that takes too long uses `time.monotonic`."""
    found: Counter[str] = Counter()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text("utf-8"))
            found[str(path.relative_to(ROOT))] += sum(_is_wall_clock(node) for node in ast.walk(tree))
    assert +found == Counter({**WRITTEN_DOWN, **COMPARED}), "say in this file what the wall clock is for there"


def _is_wall_clock(node: ast.AST) -> bool:
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    module, name = node.value.id, node.attr
    return (module == "time" and name == "time") or (module in ("datetime", "date") and name in ("now", "today"))
