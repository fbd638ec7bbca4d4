"""The process that will be checked begins beside the scan, and has touched nothing of a model that the scan refuses."""

import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from tests.support.opened import Opened
from tests.support.stack import RunningStack, running_stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's news of opened files is Linux's")

KEPT = "served by the process that was checked"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("warm")) as running:
        yield running


class _Opened(Opened):
    """What is opened in the folders of candidates."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(_home(stack), grows=True)


def _home(stack: RunningStack) -> Path:
    found = stack.settings.home_path / "candidates"
    found.mkdir(exist_ok=True)
    return found


def _write(folder: Path, name: str, model: bytes) -> Path:
    folder.mkdir()
    (folder / "model.pkl").write_bytes(model)
    (folder / "tidegate.toml").write_text(f'name = "{name}"\n[features]\nx = "numeric"\n')
    (folder / "test_data.json").write_text(json.dumps({"instances": [{"x": 1.0}, {"x": 0.0}]}))
    return folder


def _nobodys(stack: RunningStack, known: set[str]) -> set[str]:
    """Processes and folders of candidates beside those that were there."""
    parts = {name.removeprefix("runner-") for name in stack.parts() if name.startswith("runner-")}
    return (parts | {path.name for path in _home(stack).iterdir()}) - known


def test_it_is_begun_before_the_scan_is_done_and_serves(stack: RunningStack, tmp_path: Path) -> None:
    opened = _Opened(stack)
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    said = stack.tidegate("deploy", str(_write(tmp_path / "m", "good", pickle.dumps(fitted)))).stdout
    found = opened.close()
    assert KEPT in said
    (_, folder) = opened.folders()
    assert folder / "model.pkl" in found, "what is opened is seen"


@pytest.mark.parametrize(
    ("case", "model", "stage"),
    [("hostile", b"cos\nsystem\n(S'true'\ntR.", "scan"), ("unreadable", b"", "scan")],
)
def test_what_the_scan_refuses_was_never_opened_and_leaves_nothing(
    stack: RunningStack, tmp_path: Path, case: str, model: bytes, stage: str
) -> None:
    known = _nobodys(stack, set())
    opened = _Opened(stack)
    done = stack.tidegate("deploy", str(_write(tmp_path / case, case, model)), check=False)
    wait_until(lambda: not _nobodys(stack, known), 30, "what was refused to be gone")
    found = opened.close()
    assert done.returncode != 0
    assert stage in done.stdout + done.stderr
    assert len(opened.folders()) == 2, "its process was begun"
    assert found == [], "nothing of it was opened there"
    folder = opened.folders()[-1]
    assert not [pid for pid in stack.running() if str(folder) in _command(pid)]


def test_what_its_data_refuses_leaves_nothing(stack: RunningStack, tmp_path: Path) -> None:
    known = _nobodys(stack, set())
    folder = _write(tmp_path / "data", "data", pickle.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1])))
    (folder / "test_data.json").write_text("{")
    opened = _Opened(stack)
    done = stack.tidegate("deploy", str(folder), check=False)
    wait_until(lambda: not _nobodys(stack, known), 30, "what was refused to be gone")
    assert done.returncode != 0
    assert opened.close() == []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""
