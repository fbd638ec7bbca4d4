"""For every test: no settings of the shell that runs it, bytecode that is kept, patience, the longest files first."""

import functools
import gc
import os
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from httpx._transports import default

from tests.support.long_files import in_order

if TYPE_CHECKING:
    from storage.registry import Database
    from tests.support.shared_stack import SharedStack

_OF_TESTS = ("TIDEGATE_FAULT_", "TIDEGATE_TEST_")

for name in list(os.environ):
    # What is not set must follow from the defaults.
    if name.startswith("TIDEGATE_") and not name.startswith(_OF_TESTS):
        del os.environ[name]

# A stack is a dozen processes of the same code, and a run of the tests starts thousands: each would compile it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# As in the processes of a stack, and before NumPy is there: the models are tiny, and the threads of three runs of tests
# on two cores would spin for each other's turn.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

# A wait is no measurement: httpx gives up after 5 s where a test says nothing else, and a busy machine may take longer.
DEFAULT_TIMEOUT_CONFIG.read = DEFAULT_TIMEOUT_CONFIG.write = DEFAULT_TIMEOUT_CONFIG.pool = 60.0

# Every `httpx.get` reads the certificates of the whole web anew, 30 ms of CPU, and tests ask `http://` again and again.
setattr(default, "create_ssl_context", functools.cache(httpx.create_ssl_context))  # noqa: B010


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Without looking for garbage: what is imported and collected stays, and no later look goes through it again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = in_order(items)


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SharedStack"]:
    """One of each worker of pytest; a module borrows it, and names its models as no other does."""
    # Loaded here: most runs of tests start no stack.
    from tests.support.shared_stack import SharedStack

    shared = SharedStack(lambda: tmp_path_factory.mktemp("shared"))
    yield shared
    shared.stop()


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with its tables: each test takes a copy, since making them takes longer than a test."""
    from storage import registry

    path = tmp_path_factory.mktemp("empty") / "registry.sqlite"
    registry.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def database(empty_registry: Path, tmp_path: Path) -> Iterator["Database"]:
    """The test's own registry, at `registry.sqlite` in its `tmp_path`."""
    from storage.registry import Database

    opened = Database(f"sqlite:///{shutil.copy(empty_registry, tmp_path)}")
    yield opened
    opened.close()
