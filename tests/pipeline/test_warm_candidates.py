"""The process that will be checked is there before the scan is done, and touches nothing that the scan refuses.

It is one that was ready before the push, or begins beside the scan.
"""

import json
import os
import pickle
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from sklearn.linear_model import LogisticRegression

from storage.registry import Status
from tests.support.opened import Opened
from tests.support.registry_of import deployments
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until
from tidegate.supervisor.plan import SPARE_PREFIX

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's news of opened files is Linux's")

KEPT = "served by the process that was checked"


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Iterator[RunningStack]:
    # That `tidegate down` leaves none of them, that nobody asked for either, is asserted where it is stopped.
    with shared_stack.lend() as running:
        yield running


class _Opened(Opened):
    """What is opened in the folders of candidates."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(_home(stack), grows=True)


def _home(stack: RunningStack) -> Path:
    found = stack.settings.home_path / "candidates"
    found.mkdir(exist_ok=True)
    return found


HOSTILE = b"cos\nsystem\n(S'true'\ntR."
ASKED = {"instances": [{"x": 1.0}]}
LIMITS = {"spare": "", "own": '[limits]\nmemory = "1500 MB"\n'}
"""A process that was there before serves only a model of the usual limits."""


def _write(folder: Path, name: str, model: bytes, limits: str = "") -> Path:
    folder.mkdir()
    (folder / "model.pkl").write_bytes(model)
    (folder / "tidegate.toml").write_text(f'name = "{name}"\n[features]\nx = "numeric"\n{limits}')
    (folder / "test_data.json").write_text(json.dumps({"instances": [{"x": 1.0}, {"x": 0.0}]}))
    return folder


def _fitted() -> bytes:
    return pickle.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))


def _served(stack: RunningStack, name: str) -> int:
    """The process of its live version."""
    (deployment,) = [one.id for one in deployments(stack, name) if one.status is Status.LIVE]
    return stack.wait_ready(f"runner-{deployment}")


def _nobodys(stack: RunningStack, known: set[str]) -> set[str]:
    """Processes and folders of candidates beside those that were there, and what is ready for the next."""
    parts = {name.removeprefix("runner-") for name in stack.parts() if name.startswith("runner-")}
    ready = {name for name in stack.parts() if name.startswith(SPARE_PREFIX)}
    return (parts | {path.name for path in _home(stack).iterdir()}) - known - ready


@pytest.mark.parametrize("kind", LIMITS)
def test_the_process_was_there_before_the_scan_was_done_and_is_a_runner_as_any_other_then(
    stack: RunningStack, tmp_path: Path, kind: str
) -> None:
    spare, pid = stack.spare_runner()
    name = f"good-{kind}"
    opened = _Opened(stack)
    said = stack.tidegate("deploy", str(_write(tmp_path / "m", name, _fitted(), LIMITS[kind]))).stdout
    found = opened.close()
    assert KEPT in said
    served = _served(stack, name)
    url = f"{stack.gateway_url}/v1/models/{name}/predict"
    assert httpx.post(url, json=ASKED, timeout=60).json()["predictions"][0]["class"] == 1
    (folder,) = {path.parent for path in found if path.name == "model.pkl"}
    assert (served == pid) == (kind == "spare"), "a process that was there before the push"
    assert (folder.name == spare) == (kind == "spare")
    memory = re.search(r"^Max data size +(\d+) ", Path(f"/proc/{served}/limits").read_text(), re.MULTILINE)
    assert memory is not None
    assert int(memory[1]) == (2_000_000_000 if kind == "spare" else 1_500_000_000)
    if kind == "own":
        assert stack.spare_runner() == (spare, pid), "it waits for another"

    (deployment,) = [one.id for one in deployments(stack, name)]
    assert "ready on" in (stack.settings.logs_path / f"runner-{deployment}.log").read_text()
    os.kill(served, signal.SIGKILL)
    assert stack.wait_ready(f"runner-{deployment}", other_than=served) != pid
    assert httpx.post(url, json=ASKED, timeout=60).json()["predictions"][0]["class"] == 1
    assert not folder.exists(), "its own folder has gone with its process"
    assert deployment not in {path.name for path in _home(stack).iterdir()}
    if kind == "spare":
        assert not (stack.settings.logs_path / f"{spare}.log").exists()


SETS_FIRST = """import os, sys
TOLD = ["pandas" in sys.modules]
os.environ["PANDAS_COPY_ON_WRITE"] = "1"
import pandas
def predict(rows):
    return [TOLD] * len(rows)
"""
"""What it sets is for the library that it imports then."""
IMPORTS_FIRST = """import pandas
import sys
from other import TOLD
TOLD += [type(finder).__name__ for finder in sys.meta_path]
def predict(rows):
    return [TOLD] * len(rows)
"""
LOOKED_FOR = "__version__ = '99'\nimport sys\nTOLD = [hasattr(sys.modules['pandas'], 'DataFrame')]\n"
"""pandas asks for it while it is imported, and goes without where it is not there."""
OWN = {"other.py": "import sys\nTOLD = [hasattr(sys.modules['pandas'], 'DataFrame')]\n", "predict.py": IMPORTS_FIRST}
SHADOWS = {"bottleneck.py": LOOKED_FOR, "predict.py": IMPORTS_FIRST.replace("other", "bottleneck")}


def _answer(stack: RunningStack, name: str) -> object:
    url = f"{stack.gateway_url}/v1/models/{name}/predict"
    return httpx.post(url, json=ASKED, timeout=60).json()["predictions"][0]


def _scripted(folder: Path, name: str, files: dict[str, str]) -> Path:
    _write(folder, name, _fitted())
    for file, text in files.items():
        (folder / file).write_text(text)
    return folder


@pytest.mark.parametrize(
    "files", [{"pandas_of_mine.py": "WHOSE = 1\n"}, {"predict.py": SETS_FIRST}], ids=["own", "sets"]
)
def test_a_folder_with_python_gets_a_process_of_its_own(
    stack: RunningStack, tmp_path: Path, files: dict[str, str]
) -> None:
    spare = stack.spare_runner()
    name = f"scripted-{len(files)}{len(str(files))}"
    stack.tidegate("deploy", str(_scripted(tmp_path / "m", name, files)))
    assert _served(stack, name) != spare[1]
    assert stack.spare_runner() == spare
    if "predict.py" in files:
        assert _answer(stack, name) == [False], "nothing was imported before it"


@pytest.mark.parametrize(("kind", "files"), [("own", OWN), ("shadows", SHADOWS)])
def test_the_next_has_imported_what_the_python_of_this_one_imports_first(
    stack: RunningStack, tmp_path: Path, kind: str, files: dict[str, str]
) -> None:
    """And answers what a process does that was there for no other; it is none where the folder has what was missed."""
    name = f"next-{kind}"
    folder = _scripted(tmp_path / "m", name, files)
    _, pid = stack.spare_runner()
    stack.tidegate("deploy", str(folder))
    served, first = _served(stack, name), _answer(stack, name)
    assert served != pid, "it had imported other libraries"
    _, pid = stack.spare_runner(other_than=pid)
    (folder / "NOTE").write_text("another version")
    assert KEPT in stack.tidegate("deploy", str(folder)).stdout
    served = _served(stack, name)
    assert (served == pid) == (kind == "own")
    assert _answer(stack, name) == first
    assert isinstance(first, list)
    assert first[0] == (kind == "own"), "whether pandas had been imported by then"
    (deployment,) = [one.id for one in deployments(stack, name) if one.status is Status.LIVE]
    os.kill(served, signal.SIGKILL)
    stack.wait_ready(f"runner-{deployment}", other_than=served)
    assert _answer(stack, name) == first


def test_one_that_is_killed_is_nobodys_loss(stack: RunningStack, tmp_path: Path) -> None:
    spare, pid = stack.spare_runner()
    os.kill(pid, signal.SIGKILL)
    stack.tidegate("status")  # which ends with another code where a part fails
    stack.tidegate("deploy", str(_write(tmp_path / "m", "without", _fitted())))
    other, _ = stack.spare_runner(other_than=pid)
    assert other != spare
    assert not _home(stack).joinpath(spare).exists()
    assert not list(stack.settings.logs_path.glob(f"{spare}*"))


@pytest.mark.parametrize(
    ("kind", "case", "model"),
    [("spare", "hostile", HOSTILE), ("own", "hostile", HOSTILE), ("own", "unreadable", b"")],
)
def test_what_the_scan_refuses_was_never_opened_and_leaves_nothing(
    stack: RunningStack, tmp_path: Path, kind: str, case: str, model: bytes
) -> None:
    spare, pid = stack.spare_runner()
    known = _nobodys(stack, set())
    opened = _Opened(stack)
    before = len(opened.folders())
    done = stack.tidegate("deploy", str(_write(tmp_path / case, case, model, LIMITS[kind])), check=False)
    wait_until(lambda: not _nobodys(stack, known), 30, "what was refused to be gone")
    found = opened.close()
    assert done.returncode != 0
    assert "scan" in done.stdout + done.stderr
    assert found == [], "nothing of it was opened there"
    was_taken = spare not in stack.parts()
    assert was_taken == (kind == "spare")
    assert was_taken or len(opened.folders()) > before, "its process was begun"
    assert psutil.pid_exists(pid) != was_taken
    assert _home(stack).joinpath(spare).exists() != was_taken


def test_what_its_data_refuses_leaves_nothing(stack: RunningStack, tmp_path: Path) -> None:
    known = _nobodys(stack, set())
    folder = _write(tmp_path / "data", "data", _fitted(), LIMITS["own"])
    (folder / "test_data.json").write_text("{")
    opened = _Opened(stack)
    done = stack.tidegate("deploy", str(folder), check=False)
    wait_until(lambda: not _nobodys(stack, known), 30, "what was refused to be gone")
    assert done.returncode != 0
    assert opened.close() == []
