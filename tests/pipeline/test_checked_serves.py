"""The process in which a model was checked serves it: on a real stack, as a user deploys."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from model_runner.checking.check import check_model
from model_runner.errors import ModelError
from tests.support.registry_of import statuses
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until
from tidegate.supervisor.plan import SPARE_PREFIX

COUNTING = """\
import os

ASKED = [0]
NUMBER = int.from_bytes(os.urandom(4))


def load(folder):
    return folder


def predict(folder, rows):
    ASKED[0] += 1
    beside = sorted(path.name for path in folder.iterdir())
    return [{"process": NUMBER, "asked": ASKED[0], "files": len(beside)} for row in rows]
"""
KEPT = "served by the process that was checked"
TWO_FACED = """\
from model_runner.serving import runner as server

TRUE, END = server.schema_text, server.Runner.end_check
ENDED = []


async def end_check(runner, request):
    ENDED.append(request)
    return await END(runner, request)


def told(inputs):
    return TRUE(inputs).replace('"x"', '"y"') if ENDED else TRUE(inputs)


server.schema_text, server.Runner.end_check = told, end_check
"""
"""It says of itself after its check something else than in it."""


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Iterator[RunningStack]:
    with shared_stack.lend() as running:
        yield running


def _write(folder: Path, name: str, script: str, limits: str = "", test: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "predict.py").write_text(script)
    (folder / "tidegate.toml").write_text(f'name = "{name}"\n[features]\nx = "numeric"\n{limits}')
    if test:
        (folder / "test_data.json").write_text(json.dumps({"instances": [{"x": 1.0}, {"x": 2.0}]}))
    return folder


def _ask(stack: RunningStack, name: str) -> dict[str, int]:
    answer = httpx.post(f"{stack.gateway_url}/v1/models/{name}/predict", json={"instances": [{"x": 1.0}]}, timeout=60)
    found: dict[str, int] = answer.raise_for_status().json()["predictions"][0]
    return found


def _candidates(stack: RunningStack) -> list[str]:
    folder = stack.settings.home_path / "candidates"
    found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [name for name in found if not name.startswith(SPARE_PREFIX)]


def test_the_process_that_was_checked_serves_and_another_follows_it(stack: RunningStack, tmp_path: Path) -> None:
    before = _runners(stack)
    said = stack.tidegate("deploy", str(_write(tmp_path / "m", "counting", COUNTING))).stdout
    assert KEPT in said
    first = _ask(stack, "counting")
    # A process that was only loaded would have answered its example, and this.
    assert first["asked"] > 2
    (deployment,) = _runners(stack) - before
    part = f"runner-{deployment}"
    assert deployment in _candidates(stack)

    pid = stack.kill(part)
    stack.wait_ready(part, other_than=pid)
    second = _ask(stack, "counting")
    assert second["process"] != first["process"]
    assert second["asked"] == 2
    assert second["files"] == first["files"], "it has the same files as the one before"
    assert stack.parts()[part]["restarts"] == 1
    assert deployment not in _candidates(stack), "its own folder has gone with its process"


def test_what_is_removed_takes_its_folder_along(stack: RunningStack, tmp_path: Path) -> None:
    for _ in range(3):
        stack.tidegate("deploy", str(_write(tmp_path / "m", "often", COUNTING)))
    assert statuses(stack, "often") == ["live", "warm", "retired"]

    def kept() -> bool:
        parts = [name for name in stack.parts() if name.startswith("runner-")]
        return set(_candidates(stack)) <= {name.removeprefix("runner-") for name in parts} and len(parts) <= 3

    wait_until(kept, 60, "the runner of the oldest to end, with its folder")


def test_one_that_says_another_thing_after_its_check_is_loaded_anew(stack: RunningStack, tmp_path: Path) -> None:
    """What was sealed is what the gateway holds requests against: its process must say the same."""
    before = _runners(stack)
    said = stack.tidegate("deploy", str(_write(tmp_path / "m", "faced", TWO_FACED + COUNTING))).stdout
    assert "loaded anew" in said
    assert KEPT not in said
    assert statuses(stack, "faced") == ["live"]
    assert _ask(stack, "faced")["asked"] == 2, "its example, and this: another process than the one that was checked"
    (deployment,) = _runners(stack) - before
    assert deployment not in _candidates(stack)
    assert stack.parts()[f"runner-{deployment}"]["restarts"] == 0


REFUSED = {
    "raises": ("raise KeyError('prize')\n", ""),
    "exits": ("import os\nos._exit(9)\n", ""),
    "killed": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", ""),
    "floods": ("print(('x' * 60 + '\\n') * 50_000)\nimport os\nos._exit(7)\n", ""),
    "slow": ("import time\ntime.sleep(600)\n", "[limits]\nload_seconds = 4\n"),
    "hungry": ("held = bytearray(3_000_000_000)\n", '[limits]\nmemory = "600 MB"\n'),
    "fails": ("", ""),
}
FAILING = "\n\ndef load(folder):\n    return 1\n\n\ndef predict(model, rows):\n    raise ValueError(f'no {model}')\n"


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_the_words_of_a_check_without_a_stack(stack: RunningStack, tmp_path: Path, case: str) -> None:
    code, limits = REFUSED[case]
    folder = _write(tmp_path / case, case, code + FAILING, limits)
    with pytest.raises(ModelError) as raised:
        check_model(folder)
    done = stack.tidegate("deploy", str(folder), check=False)
    assert done.returncode != 0
    # Of what a model wrote the end is shown, shortened; what is ours comes first.
    assert _words(str(raised.value), folder)[:300] in _words(done.stdout + done.stderr, folder), (
        done.stdout,
        done.stderr,
    )
    assert not [name for name in stack.parts() if case in name]
    wait_until(lambda: not set(_candidates(stack)) - _runners(stack), 30, "what was refused to be gone")


def _runners(stack: RunningStack) -> set[str]:
    return {name.removeprefix("runner-") for name in stack.parts() if name.startswith("runner-")}


def _words(text: str, folder: Path) -> str:
    """Without the folder, a process's number and moment, and the width of a terminal."""
    text = re.sub(r"[^\s\"]*/(deploy-\w+|candidates/\w+)", str(folder), text)
    return re.sub(r"[\s│|]+|\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d,\d+", "", text)


def test_a_manner_that_the_check_settles_is_the_processs_own(stack: RunningStack, tmp_path: Path) -> None:
    """Its answers depend on the rows beside them, so that requests are to be predicted one by one."""
    alone = (
        "def load(folder):\n    return 1\n\n\ndef predict(model, rows):\n    return [float(len(rows))] * len(rows)\n"
    )
    said = stack.tidegate("deploy", str(_write(tmp_path / "m", "together", alone))).stdout
    assert "predicted one by one" in said
    assert KEPT in said


def test_a_deployer_that_is_killed_leaves_nothing(stack: RunningStack, tmp_path: Path) -> None:
    waiting = "import time\ntime.sleep(300)\n" + COUNTING
    folder = _write(tmp_path / "m", "left", waiting, "[limits]\nload_seconds = 300\n")
    before = _runners(stack)
    command = [sys.executable, "-c", "from tidegate.cli import main; main()", "deploy", str(folder)]
    with subprocess.Popen(command, env=stack.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as deployer:
        (name,) = wait_until(lambda: _runners(stack) - before, 60, "the process that is checked")
        pid = wait_until(lambda: stack.parts()[f"runner-{name}"]["pid"], 30, "its number")
        os.kill(deployer.pid, signal.SIGKILL)
    wait_until(lambda: _runners(stack) <= before, 30, "it to be ended")
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 30, "its process to be gone")
    assert name not in _candidates(stack)
    assert not (stack.settings.logs_path / f"runner-{name}.log").exists()
