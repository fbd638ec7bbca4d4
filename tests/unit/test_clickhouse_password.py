"""The password of the embedded ClickHouse: made once, for its owner alone, and never an argument of a process."""

import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.backends.clickhouse_password import readonly_password, with_clickhouse_password
from tidegate.settings import Settings
from tidegate.supervisor.environment import child_environment, clickhouse_environment
from tidegate.supervisor.plan import CLICKHOUSE, plan
from tidegate.supervisor.urls import urls
from web.door import FailedTries


def settings_of(home: Path, **given: object) -> Settings:
    return Settings.model_validate({"home": home, "clickhouse_port": 8720, **given})


def password_of(settings: Settings) -> str:
    assert settings.clickhouse_password is not None
    return settings.clickhouse_password.get_secret_value()


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = with_clickhouse_password(settings_of(tmp_path))
    second = with_clickhouse_password(settings_of(tmp_path))

    file = tmp_path / "clickhouse-password"
    assert password_of(first) == password_of(second) == file.read_text().strip()
    assert len(password_of(first)) > 40
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_whoever_has_the_home_has_the_password_and_no_url_shows_it(tmp_path: Path) -> None:
    assert settings_of(tmp_path).clickhouse_dsn == "http://127.0.0.1:8720"  # nothing was ever started

    password = password_of(with_clickhouse_password(settings_of(tmp_path)))

    assert settings_of(tmp_path).clickhouse_dsn == f"http://default:{password}@127.0.0.1:8720"
    assert password not in str(urls(settings_of(tmp_path)))


def test_the_password_that_only_reads_follows_from_the_other_and_not_the_other_way(tmp_path: Path) -> None:
    password = password_of(with_clickhouse_password(settings_of(tmp_path)))

    assert readonly_password(password) == readonly_password(password)
    assert readonly_password(password) != readonly_password(password + "x")
    assert password not in readonly_password(password)


def test_a_password_of_the_users_own_is_taken(tmp_path: Path) -> None:
    settings = with_clickhouse_password(settings_of(tmp_path, clickhouse_password="p/w@:1"))

    assert settings.clickhouse_dsn == "http://default:p%2Fw%40%3A1@127.0.0.1:8720"
    assert not (tmp_path / "clickhouse-password").exists()


def test_processes_get_it_by_their_environment_and_the_server_gets_no_other_secret(tmp_path: Path) -> None:
    settings = with_clickhouse_password(settings_of(tmp_path, webhook_secret="whsec_x"))
    password = password_of(settings)
    server = next(spec for spec in plan(settings, None) if spec.name == CLICKHOUSE)

    assert child_environment(settings)["TIDEGATE_CLICKHOUSE_PASSWORD"] == password
    assert server.env == clickhouse_environment(settings)
    assert server.env is not None
    assert server.env["CLICKHOUSE_PASSWORD"] == password
    assert server.env["CLICKHOUSE_READONLY_PASSWORD"] == readonly_password(password)
    assert "whsec_x" not in server.env.values()
    assert not any(password in argument for spec in plan(settings, "tansu") for argument in spec.command)


def test_the_server_does_not_start_without_passwords_unless_it_is_told_to(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "storage.clickhouse_server", "--path", str(tmp_path / "db"), "--port", "0"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("CLICKHOUSE_")}
    root = Path(__file__).parents[2]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=root, env=env, check=False)

    assert done.returncode == 2
    assert "CLICKHOUSE_PASSWORD" in done.stderr
    assert not (tmp_path / "db").exists()


def test_wrong_passwords_are_told_at_once_and_then_with_a_bound(caplog: pytest.LogCaptureFixture) -> None:
    tries = FailedTries("clickhouse", every_s=60)

    with caplog.at_level(logging.WARNING):
        for second in range(100):
            tries.note(float(second), "127.0.0.1")

    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert told[1].startswith("clickhouse: 60 wrong tries")


def test_the_command_shows_how_to_reach_it(tmp_path: Path) -> None:
    password = password_of(with_clickhouse_password(settings_of(tmp_path)))
    env = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
    env |= {"TIDEGATE_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", "from tidegate.cli import main; main()", "clickhouse"]

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *args], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=env, check=False
        )

    shown = json.loads(run("--json").stdout)
    assert (shown["url"], shown["user"], shown["password"]) == ("http://127.0.0.1:8720", "default", password)
    assert (shown["readonly_user"], shown["readonly_password"]) == ("readonly", readonly_password(password))
    assert f"curl -u default:{password} 'http://127.0.0.1:8720/?database=tidegate'" in run().stdout
    env["TIDEGATE_CLICKHOUSE_PORT"] = "9"
    assert run("--query", "SELECT 1").returncode == 3
