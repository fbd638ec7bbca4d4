"""Help, errors and exit codes of the command line, as a user meets them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.cli import main
from tidegate.settings import Settings

COMMANDS = [
    "up",
    "down",
    "status",
    "gc",
    "logs",
    "topics",
    "migrate",
    "clickhouse",
    "settings",
    "deploy",
    "models",
    "environments",
    "deployments",
    "rollback",
    "promote",
    "redeploy",
    "traffic",
    "shadow",
    "scale",
    "jobs",
    "github",
    "cancel",
    "predict",
    "drift",
    "alerts",
    "demo",
]


def _tidegate(home: Path, *args: str, text: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TIDEGATE_")}
    return subprocess.run(
        [sys.executable, "-c", "from tidegate.cli import main; main()", *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        input=text,
        cwd=home,
        env={**clean, "TIDEGATE_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2]), **env},
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(
    command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In this process: two dozen of their own would write the same."""
    monkeypatch.setattr(sys, "argv", ["tidegate", command, "--help"])
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)  # else it is `python -m pytest` that is told of
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0
    assert f"Usage: tidegate {command}" in capfd.readouterr().out


def test_logs_can_be_read_by_a_script(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "sink.log").write_text('first\nit said "no"\n')

    done = _tidegate(tmp_path, "logs", "sink", "-n", "1", "--json")

    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"process": "sink", "line": 'it said "no"'}]


def test_the_help_of_the_whole_names_every_command_and_the_exit_codes(tmp_path: Path) -> None:
    done = _tidegate(tmp_path, "--help")

    assert all(f"  {command} " in done.stdout for command in COMMANDS)
    assert "Exit codes" in done.stdout


def test_help_loads_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    script = (
        "import sys, tidegate.cli.app\n"
        "print([n for n in ('numpy', 'sqlalchemy', 'confluent_kafka', 'pydantic', 'httpx') if n in sys.modules])"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "args",
    [("status",), ("deploy", "."), ("predict", "m", "-"), ("rollback", "m"), ("traffic", "m", "v1=1"), ("cancel", "1")],
)
def test_what_needs_the_stack_says_how_to_start_it(tmp_path: Path, args: tuple[str, ...]) -> None:
    done = _tidegate(tmp_path, *args, text='{"a": 1}', TIDEGATE_GATEWAY_PORT="9")

    assert done.returncode == 3
    assert "start it with `tidegate up`" in done.stderr


def test_status_as_json_is_json_even_when_nothing_runs(tmp_path: Path) -> None:
    done = _tidegate(tmp_path, "status", "--json")

    assert done.returncode == 3
    assert json.loads(done.stdout)["phase"] == "stopped"


def test_models_of_a_new_home_are_none(tmp_path: Path) -> None:
    assert json.loads(_tidegate(tmp_path, "models", "--json").stdout) == {"models": [], "unreadable": []}
    assert "tidegate deploy PATH" in _tidegate(tmp_path, "models").stdout


def test_an_unknown_model_has_its_own_exit_code(tmp_path: Path) -> None:
    done = _tidegate(tmp_path, "drift", "electrcity")

    assert done.returncode == 4
    assert "electrcity" in done.stderr


def test_a_shadow_needs_a_version_unless_it_ends(tmp_path: Path) -> None:
    done = _tidegate(tmp_path, "shadow", "m")

    assert done.returncode == 2
    assert "--off" in done.stderr


def test_deployments_of_an_unknown_model_name_what_there_is(tmp_path: Path) -> None:
    done = _tidegate(tmp_path, "deployments", "m")

    assert done.returncode == 4
    assert "tidegate deploy PATH" in done.stderr


def test_logs_of_an_unknown_deployment_name_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "runner-d66161ad04942.log").write_text("ready\n")

    done = _tidegate(tmp_path, "logs", "--deployment", "d66161ad04943")

    assert done.returncode == 4
    assert "Did you mean d66161ad04942?" in done.stderr
    assert "ready" in _tidegate(tmp_path, "logs", "--deployment", "d66161ad04942").stdout


def test_an_unknown_window_names_those_there_are(tmp_path: Path) -> None:
    done = _tidegate(tmp_path, "drift", "m", "--window", "2m")

    assert done.returncode == 2
    assert "1m, 5m, 1h, 24h" in done.stderr


def test_a_setting_that_cannot_be_names_its_variable(tmp_path: Path) -> None:
    done = _tidegate(tmp_path, "status", TIDEGATE_EVENT_PARTITIONS="none")

    assert done.returncode == 2
    assert "TIDEGATE_EVENT_PARTITIONS" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_lists_every_one_with_its_meaning_and_no_secret(tmp_path: Path) -> None:
    done = _tidegate(tmp_path, "settings", "--json", TIDEGATE_DATABASE_URL="postgresql://u:hunter2@h/d")

    rows = {row["variable"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {f"TIDEGATE_{name.upper()}" for name in Settings.model_fields}
    assert all(row["description"] for row in rows.values())
    assert rows["TIDEGATE_DATABASE_URL"]["given"] is True
    assert (
        "hunter2"
        not in done.stdout + _tidegate(tmp_path, "settings", TIDEGATE_DATABASE_URL="postgresql://u:hunter2@h/d").stdout
    )


def test_down_without_a_stack_is_no_error(tmp_path: Path) -> None:
    done = _tidegate(tmp_path, "down")

    assert done.returncode == 0
    assert "not running" in done.stdout
