"""The supervisor's side: runners start at once where their environment is at hand; others are built meanwhile."""

import asyncio
from pathlib import Path

import pytest

from model_runner.environment import at_hand, prepare
from model_runner.process.launch import HOST_PYTHON, RunnerPython
from tests.support.environments import SMALL, require_index, store_in, write_requirements
from tests.support.waiting import wait_until
from tidegate.supervisor.preparing import NotPreparedError, Preparing


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that was prepared on another machine."""
    scratch = tmp_path_factory.mktemp("known")
    require_index(scratch)
    folder = write_requirements(scratch / "m", SMALL)
    prepare(folder, store_in(scratch / "elsewhere"))
    return folder


async def _until_ready(preparing: Preparing, deployment: str, folder: Path) -> tuple[RunnerPython, list[str]]:
    said: list[str] = []
    async with asyncio.timeout(60):
        while True:
            try:
                return await preparing.python_for(deployment, folder), said
            except NotPreparedError as reason:
                if str(reason) not in said:
                    said.append(str(reason))
            await asyncio.sleep(0.02)


async def _in_own_and_in_known(tmp_path: Path, known: Path) -> None:
    preparing = Preparing(store_in(tmp_path / "store"))
    (tmp_path / "plain").mkdir()
    assert await preparing.python_for("d1", tmp_path / "plain") == HOST_PYTHON
    with pytest.raises(NotPreparedError, match="is being built"):
        await preparing.python_for("d2", known)
    assert await preparing.python_for("d1", tmp_path / "plain") == HOST_PYTHON, "nobody waits for a build of another"
    python, _ = await _until_ready(preparing, "d2", known)
    assert python.executable.is_relative_to(tmp_path / "store")
    assert await preparing.python_for("d2", known) == python
    assert await Preparing(store_in(tmp_path / "store")).python_for("d3", known) == python


def test_what_is_at_hand_starts_while_the_rest_is_built(tmp_path: Path, known: Path) -> None:
    asyncio.run(_in_own_and_in_known(tmp_path, known))


def test_a_stop_waits_for_no_build(tmp_path: Path, known: Path) -> None:
    store = store_in(tmp_path / "store")

    async def begin_and_stop() -> None:
        preparing = Preparing(store)
        with pytest.raises(NotPreparedError, match="is being built"):
            await preparing.python_for("d1", known)
        async with asyncio.timeout(60):
            while not any(store.root.glob(".building-*")):  # noqa: ASYNC110  what is waited for is another thread's
                await asyncio.sleep(0.005)
        preparing.keep(())
        await asyncio.sleep(0)

    asyncio.run(begin_and_stop())

    assert at_hand(known, store) is None, "it is still being built"
    wait_until(lambda: at_hand(known, store) is not None, 60, "the build to end by itself")


def test_a_build_that_fails_says_why_and_is_tried_again(tmp_path: Path, known: Path) -> None:
    store = store_in(tmp_path / "store")
    blocked = store.root / ".locks"
    blocked.write_text("a file where a folder must be")

    async def fails_then_works() -> None:
        preparing = Preparing(store, retry_s=0.1)
        said: list[str] = []
        async with asyncio.timeout(60):
            while not any("cannot be built: " in text for text in said):
                with pytest.raises(NotPreparedError) as caught:
                    await preparing.python_for("d1", known)
                said.append(str(caught.value))
                await asyncio.sleep(0.02)
        blocked.unlink()
        python, _ = await _until_ready(preparing, "d1", known)
        assert python.executable.is_relative_to(store.root)

    asyncio.run(fails_then_works())
