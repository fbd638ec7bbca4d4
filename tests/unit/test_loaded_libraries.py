"""Which libraries a process may not load before it needs them: each start of a stack pays for all that are loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODELS = ("sklearn", "pandas", "pyarrow", "joblib")
"""What the folder of a model needs; it has processes of its own."""

FORBIDDEN = {
    "tidegate.cli.commands.stack": ("sqlalchemy", "numpy", "confluent_kafka", "httpx", "prometheus_client", *MODELS),
    "tidegate.supervisor.__main__": ("sqlalchemy", "alembic", "numpy", "fastapi", "httpx", "structlog", *MODELS),
    "tidegate.processes.prepare": ("alembic", "numpy", "fastapi", "faust", *MODELS),
    "tidegate.processes.clickhouse": ("sqlalchemy", "numpy", "fastapi", "httpx", *MODELS),
    "tidegate.processes.sink": ("sqlalchemy", "numpy", "fastapi", "faust", "httpx", "structlog", *MODELS),
    "tidegate.processes.notifier": ("rich", "sqlalchemy", "numpy", "fastapi", "faust", "clickhouse_connect", *MODELS),
    "tidegate.processes.stream_worker": ("rich", "sqlalchemy", "fastapi", "httpx", *MODELS),
    "tidegate.processes.deployer": ("rich", "alembic", "numpy", "fastapi", "faust", "clickhouse_connect", *MODELS),
    "tidegate.processes.gateway": ("rich", "alembic", "numpy", "faust", "clickhouse_connect", *MODELS),
    "tidegate.processes.job_worker": ("rich", "alembic", "scipy", "fastapi", "faust", "clickhouse_connect", *MODELS),
    "gateway.git.receive.pre_receive": ("sqlalchemy", "numpy", "fastapi", "pydantic", "httpx", *MODELS),
    "gateway.git.receive.post_receive": ("asyncio", "sqlalchemy", "numpy", "fastapi", "pydantic", "httpx", *MODELS),
    "model_runner.serving.server": ("scipy", "pydantic", "sqlalchemy", *MODELS),
}

PROCESSES = sorted((ROOT / "tidegate" / "processes").glob("[!_]*.py"))


@pytest.mark.parametrize("module", FORBIDDEN)
def test_a_process_loads_nothing_that_it_may_never_need(module: str) -> None:
    script = f"import sys; sys.argv[0] = '-m'; import {module}; "  # as `python -m` has it
    script += f"print([name for name in {FORBIDDEN[module]!r} if sys.modules.get(name)])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)

    assert done.stdout.strip() == "[]"


def test_a_registry_that_is_at_its_newest_revision_is_not_migrated(tmp_path: Path) -> None:
    """Each command that reads the registry sees to its tables first."""
    script = "import sys; from storage import registry; registry.upgrade(sys.argv[1]); print('alembic' in sys.modules)"
    dsn = f"sqlite:///{tmp_path / 'registry.sqlite'}"

    said = [
        subprocess.run([sys.executable, "-c", script, dsn], capture_output=True, text=True, cwd=ROOT, check=True).stdout
        for _ in range(2)
    ]

    assert [line.strip() for line in said] == ["True", "False"]


def test_what_a_process_leaves_out_can_be_imported_by_who_imports_its_module() -> None:
    script = "import tidegate.processes.gateway, rich.console, httpx._main"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


@pytest.mark.parametrize("path", PROCESSES, ids=lambda path: path.stem)
def test_a_process_collects_garbage_again_once_it_is_loaded(path: Path) -> None:
    assert "    all_is_loaded()\n" in path.read_text()


def test_garbage_is_collected_as_usual_once_all_is_loaded() -> None:
    script = "import gc; usual = gc.get_threshold(); import tidegate.processes as p; during = gc.get_threshold(); "
    script += "p.all_is_loaded(); print(during[0] > usual[0], gc.get_threshold() == usual, gc.get_freeze_count() > 0)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)

    assert done.stdout.split() == ["True", "True", "True"]
