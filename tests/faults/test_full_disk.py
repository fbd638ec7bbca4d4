"""A disk that fills up under load: predictions go on, every part says what it lacks, nothing acknowledged is lost."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from storage.clickhouse.client import connect
from storage.clickhouse_server.config import ClickHouseServerConfig
from tests.support.clients import Clients
from tests.support.git_client import Clone, remote_url
from tests.support.models import EXAMPLE, write_classifier, write_test_rows
from tests.support.registry_of import live
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until

SIZE_MB = 400
CLICKHOUSE_LEAVES = ClickHouseServerConfig(Path()).keep_free_bytes


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", SIZE_MB) as made:
        yield made


def _url(stack: RunningStack) -> str:
    return f"{stack.gateway_url}/v1/models/market/predict"


def _model(folder: Path) -> Path:
    write_classifier(folder, toml='name = "market"\n')
    write_test_rows(folder, [EXAMPLE])
    return folder


def _readyz(port: int) -> str:
    return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).text


def _stored(stack: RunningStack) -> set[str]:
    client = connect(stack.settings.clickhouse_dsn, stack.settings.clickhouse_database)
    try:
        rows = client.query("SELECT event_id FROM inference_events").result_rows
    finally:
        client.close()
    assert len(rows) == len({row[0] for row in rows}), "an event is stored twice"
    return {str(row[0]) for row in rows}


def test_a_full_disk_costs_nothing_that_was_acknowledged(disk: SmallDisk, tmp_path: Path) -> None:
    """All of the home is on it: state, logs, registry, artifacts, repositories, LFS, ClickHouse, staging."""
    acked = tmp_path / "acked"
    folder = _model(tmp_path / "model")
    with running_stack(disk.folder, acked_log=acked, disk_low_mb=50, disk_reserve_mb=0) as stack:
        stack.tidegate("deploy", str(folder))
        clone = Clone(tmp_path / "clone", remote_url(stack, "market"))
        _model(clone.folder)
        clone.commit()
        with Clients(_url(stack), 7) as clients:
            wait_until(lambda: len(clients.served) > 50, 60, "predictions")
            # ClickHouse stops first, while what it has begun can still be ended.
            disk.fill(CLICKHOUSE_LEAVES // 2)
            wait_until(lambda: _says_full(_readyz(stack.settings.monitor_port)), 60, "ClickHouse to have no room")
            with disk.full():
                full = wait_until(lambda: _warnings(stack), 60, "the warning of a full disk")
                assert "on the disk of" in full
                sink = wait_until(lambda: _says_full(_readyz(stack.settings.monitor_port)), 60, "the sink to say so")
                assert "inference.events" in sink or "[" in sink
                refused = stack.tidegate("deploy", str(folder), check=False)
                stayed = stack.tidegate("down", check=False)
                pushed = clone.push()
                before = len(clients.served)
                wait_until(lambda: len(clients.served) > before + 50, 60, "predictions beside a full disk")
            disk.clear()
            wait_until(lambda: _readyz(stack.settings.monitor_port).startswith("ready"), 90, "the sink to go on")
        assert refused.returncode != 0
        assert "no space left on the disk" in refused.stderr or "has no room" in refused.stderr, refused.stderr
        assert stayed.returncode != 0
        assert "would lose them" in stayed.stderr, stayed.stderr
        assert pushed.code != 0
        assert "o space left" in pushed.output or "has no room" in pushed.output, pushed.output
        assert set(clients.answers) == {"200"}, clients.answers
        assert live(stack, "market") == 1

        ids = set(acked.read_text().split())
        assert len(ids) > 100
        wait_until(lambda: _stored(stack) >= ids, 90, "all that was acknowledged")
        assert stack.json("deploy", str(folder))["version"] >= 2
        pushed = clone.push()
        assert pushed.code == 0, pushed
        letters = connect(stack.settings.clickhouse_dsn, stack.settings.clickhouse_database)
        assert letters.query("SELECT count() FROM dead_letters").result_rows == [(0,)]
        letters.close()


def _warnings(stack: RunningStack) -> str:
    done = stack.tidegate("status", "--json", check=False)
    return "".join(each for each in json.loads(done.stdout)["warnings"] if "on the disk of" in each)


def _says_full(text: str) -> str:
    return text if "o space left" in text or "NOT_ENOUGH_SPACE" in text or "ot enough space" in text else ""


def test_a_stack_on_a_full_disk_is_drained_and_refused(disk: SmallDisk, tmp_path: Path) -> None:
    folder = _model(tmp_path / "model")
    with running_stack(disk.folder, disk_reserve_mb=0) as stack:
        stack.tidegate("deploy", str(folder))
        wait_until(lambda: httpx.post(_url(stack), json=EXAMPLE).status_code == 200, 60, "an answer")
        with disk.full():
            assert len(stack.running()) > 5
            os.kill(stack.supervisor_pid(), signal.SIGTERM)  # as a machine that shuts down: nobody can be refused
            wait_until(lambda: not stack.running(), 120, "the stack to end")
        log = (stack.settings.logs_path / "supervisor.log").read_text()
        assert "Traceback" not in log

        with disk.full():
            up = stack.tidegate("up", check=False)
        assert up.returncode == 1
        assert "no space left on the disk of" in up.stderr
        assert "Traceback" not in up.stderr

        disk.clear()
        stack.tidegate("up")
        wait_until(lambda: httpx.post(_url(stack), json=EXAMPLE).status_code == 200, 60, "an answer")
        shutil.rmtree(folder)
