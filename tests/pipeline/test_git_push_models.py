"""Every example, trained as its README says and pushed as it is, and a model of 150 MB: what is told and answered."""

import hashlib
import json
import re
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from storage.clickhouse.client import connect
from tests.support.example_models import trained
from tests.support.git_client import Clone, Pushed, remote_url
from tests.support.large_model import write_weights
from tests.support.memory import anonymous_mb, watching_memory
from tests.support.pytorch import needs_torch
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

STAGES = ["receive", "check", "scan", "environment", "load", "test predictions", "compare"]
STAGES += ["profile", "start", "switch"]
WITH_REFERENCE = [*STAGES[:6], "reference predictions", *STAGES[6:]]
HASHES = """
import hashlib


def load(folder):
    (path,) = folder.glob("W*.txt")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def predict(model, rows):
    return [model for _ in rows]
"""
FRESH_MB, GROWTH_MB = 70.0, 70.0
"""What a process has that has just loaded its libraries; what it may take for a model of twice that."""
LOADED = {
    "electricity": "scikit-learn",
    "demand": "predict.py with",
    "prices": "XGBoost",
    "loans": "scikit-learn",
    "iris": "scikit-learn",
}
"""What the stage `load` says of each."""


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Iterator[RunningStack]:
    with shared_stack.lend() as running:
        yield running


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs_torch if name == "demand" else ()) for name in LOADED])
def test_an_example_is_live_with_one_push(stack: RunningStack, tmp_path: Path, name: str) -> None:
    clone = Clone(tmp_path / name, remote_url(stack, name))
    trained(name, clone.folder)
    clone.commit()
    pushed = clone.push()

    assert pushed.code == 0, pushed
    assert _stages(pushed) == (STAGES if name == "iris" else WITH_REFERENCE)
    assert any(line.startswith("✓ load") and LOADED[name] in line for line in pushed.remote)
    assert f"{name} version 1 is live: POST {stack.gateway_url}/v1/models/{name}/predict" in pushed.told
    answer = _pasted(pushed)
    assert (answer["model"], answer["version"]) == (name, 1)
    assert answer["prediction"] is not None
    assert _stored(stack, answer["request_id"]) == [(name, 1, 200)]


def test_what_git_holds_is_served_byte_for_byte_from_any_repository(stack: RunningStack, tmp_path: Path) -> None:
    """Attributes and filters, SHA-256 objects, a name in NFD, and `master` as the first branch."""
    clone = Clone(tmp_path / "odd", remote_url(stack, "odd"), object_format="sha256")
    words = unicodedata.normalize("NFD", "Wörter.txt")
    (clone.folder / words).write_bytes(b"$Id$ $Format:%H$\none\r\ntwo\n")
    (clone.folder / "predict.py").write_text(HASHES)
    (clone.folder / "reference.csv").write_text("a\n" + "".join(f"{n}\n" for n in range(200)))
    attributes = "*.txt text eol=crlf ident export-subst\n*.csv export-ignore\npredict.py text eol=crlf\n"
    (clone.folder / ".gitattributes").write_text(attributes)
    clone.commit()
    first = clone.push("main:master")
    pushed = clone.push("main")
    blob = clone.git("cat-file", "blob", f"HEAD:{words}") + "\n"

    assert [first.code, pushed.code] == [0, 0], (first, pushed)
    assert "nothing of odd is live: only main goes live" in first.told
    assert "git push <remote> master:main" in first.told
    assert "nothing of" not in pushed.told
    assert "200 rows" in pushed.told
    expected = hashlib.sha256(blob.encode()).hexdigest()
    for path in ("odd", "odd/previews/master"):
        answer = httpx.post(f"{stack.gateway_url}/v1/models/{path}/predict", json={"a": 1}, timeout=60)
        assert answer.json()["prediction"] == expected, answer.text


def test_150_mb_go_live_and_are_nowhere_held_in_memory(stack: RunningStack, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "large", remote_url(stack, "large"))
    clone.git("config", "core.compression", "0")
    write_weights(clone.folder, 150, seed=5)
    clone.commit()
    held = {"supervisor": anonymous_mb(stack.supervisor_pid())}
    held |= {name: anonymous_mb(stack.pid(name)) for name in ("gateway", "deployer")}
    with watching_memory(stack) as peaks:
        pushed = clone.push()

    assert pushed.code == 0, pushed
    assert "2 files, 150.0 MB" in pushed.told
    url = f"{stack.gateway_url}/v1/models/large/predict"
    wait_until(lambda: httpx.post(url, json={"a": 1}).json().get("prediction") == 150_000_000, 10, "its answer")
    assert "NO INPUT SCHEMA" in pushed.told
    for part, megabytes in peaks.items():
        assert 0 < megabytes < held.get(part, FRESH_MB) + GROWTH_MB, f"{part}: {peaks} after {held}"


def _stages(pushed: Pushed) -> list[str]:
    return [found[1].strip() for line in pushed.remote if (found := re.match(r"✓ (.+?)\s+\d+\.\d\d s", line))]


def _pasted(pushed: Pushed) -> Any:
    """What the command that was told answers, run as it is."""
    command = next(line for line in pushed.remote if line.strip().startswith("curl "))
    return json.loads(subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=60).stdout)


def _stored(stack: RunningStack, request_id: str) -> list[Any]:
    client = connect(stack.settings.clickhouse_dsn, stack.settings.clickhouse_database)
    query = "SELECT model, version, status FROM inference_events WHERE request_id = {id:String}"
    try:
        return wait_until(
            lambda: client.query(query, parameters={"id": request_id}).result_rows, 30, "the event in ClickHouse"
        )
    finally:
        client.close()
