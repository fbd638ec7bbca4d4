"""A process that waits for the word that it may load: until then it touches no file of the model's, or it ends."""

import asyncio
import pickle
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from model_runner.folder.manifest import read_manifest
from model_runner.serving.warming import import_each, libraries
from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import RunnerTimeoutError
from tests.support.opened import Opened
from tests.support.runners import RunnerProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's news of opened files is Linux's")

WAITS = ("--libraries", "sklearn.pipeline,pandas,this")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "model"
    found.mkdir()
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    (found / "model.pkl").write_bytes(pickle.dumps(fitted))
    (found / "tidegate.toml").write_text('name = "waits"\n[features]\nx = "numeric"\n')
    (found / "pandas.py").write_text("raise SystemExit('it was imported')\n")
    return found


def _has_mapped(pid: int, library: str) -> bool:
    return f"/{library}/" in Path(f"/proc/{pid}/maps").read_text()


def test_no_file_is_opened_before_the_word(folder: Path, tmp_path: Path) -> None:
    opened = Opened(folder)
    process = RunnerProcess(folder, tmp_path / "run", arguments=("--awaits-word", "300", *WAITS))
    process.child.start()
    try:
        wait_until(lambda: _has_mapped(process.child.pid, "pandas"), 60, "the libraries to be imported")
        before, state, ready = asyncio.run(_told(process, opened))
    finally:
        process.child.stop()
    assert state == "loading"
    assert before == []
    assert ready == "ready"
    assert folder / "model.pkl" in opened.close(), "what is opened is seen"
    assert "The Zen of Python" not in process.child.log_tail(), "only what is known is imported"


async def _told(process: RunnerProcess, opened: Opened) -> tuple[list[Path], str, str]:
    client = RunnerClient(process.socket, ClientConfig(timeout_s=60, reconnect_s=60))
    try:
        state = await _state(client)
        before = opened.files()
        await client.load()
        async with asyncio.timeout(60):
            while (ready := await _state(client)) == "loading":  # noqa: ASYNC110  it is another process's
                await asyncio.sleep(0.02)
        return before, state, ready
    finally:
        await client.close()


async def _state(client: RunnerClient) -> str:
    async with asyncio.timeout(60):
        while True:
            with suppress(RunnerTimeoutError):  # it is at an import
                return (await client.describe()).state


def test_it_ends_where_the_word_never_comes(folder: Path, tmp_path: Path) -> None:
    opened = Opened(folder)
    process = RunnerProcess(folder, tmp_path / "run", arguments=("--awaits-word", "0.5", *WAITS))
    process.child.start()
    try:
        wait_until(lambda: not process.child.running, 60, "it to end")
    finally:
        process.child.stop()
    assert "nobody said within 0.5 s that it may be" in process.child.log_tail()
    assert opened.close() == []


def test_nothing_is_imported_where_the_folder_has_python(folder: Path) -> None:
    assert libraries(read_manifest(folder)) == ()
    (folder / "pandas.py").rename(folder / "joblib.pyc")
    assert libraries(read_manifest(folder)) == ()
    (folder / "joblib.pyc").unlink()
    assert libraries(read_manifest(folder)) == ("sklearn.pipeline",)


def test_what_is_not_known_is_not_imported() -> None:
    assert len(list(import_each(["this", ""]))) == 2
    assert "this" not in sys.modules
