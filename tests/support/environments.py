"""Environments for tests: a store of a test's own, the downloads shared, and whether there is an index to ask."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from model_runner.environment import Store
from model_runner.environment.uv import run_uv
from tests.support.children import Child

SMALL = "humanize==4.9.0"
OTHER_SMALL = "humanize==4.8.0"
"""Pure packages that Tidegate itself does not have."""
_DOWNLOADS = Path(tempfile.gettempdir()) / f"tidegate-test-downloads-{os.getuid()}"


def store_in(root: Path) -> Store:
    """A store of a test's own. What is downloaded for it is kept for other tests."""
    root.mkdir(parents=True, exist_ok=True)
    _DOWNLOADS.mkdir(mode=0o700, exist_ok=True)
    return Store(root.resolve(), _DOWNLOADS, timeout_s=120)


def write_requirements(folder: Path, *lines: str) -> Path:
    """A folder that asks for these packages."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n")
    return folder


def require_index(scratch: Path) -> None:
    """Skip, and say so, where no package index answers."""
    (scratch / "probe.txt").write_text(SMALL)
    store = store_in(scratch)
    done = run_uv(("pip", "compile", "probe.txt", "--no-deps"), store.root, store.downloads, lambda _: None, 60)
    if done.code:
        pytest.skip(f"NO PACKAGE INDEX ANSWERS: environments are not tested here. {' '.join(done.lines)[:300]}")


def run_python(python: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in an environment's interpreter, isolated as a runner is."""
    command = [str(python), "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def builder(root: Path, folder: Path, name: str) -> Child:
    """A process that prepares a folder's environment; its log has every step."""
    command = [sys.executable, "-m", "tests.support.environment_builder", str(root), str(folder)]
    return Child(command, root.parent, name, env={"PYTHONPATH": str(Path(__file__).parents[2])})
