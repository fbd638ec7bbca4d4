"""Builds an environment from a resolved list: aside, then sealed and put in its place whole; one at a time per key."""

import os
import secrets
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from model_runner.disk.durable import replace, sync_tree, write_file
from model_runner.environment.errors import EnvironmentBuildError
from model_runner.environment.eviction import clear_downloads
from model_runner.environment.host import this_host
from model_runner.environment.key import environment_key, packages_of
from model_runner.environment.resolving import failure
from model_runner.environment.sealing import remove, seal, seal_top
from model_runner.environment.store import ABOUT_FILE, BUILDING, About, Store
from model_runner.environment.uv import Tell, listen, run_uv
from model_runner.errors import ModelError

_LOCK = "lock.txt"
_NEVER_IMPORTED = r"/tests?/"
"""Half of the modules of scientific packages are their tests."""


def build(lock: str, store: Store, tell: Tell) -> About:
    """The environment of this resolved list, built where there is none yet.

    Raises:
        EnvironmentBuildError: it cannot be built now, or not on this machine. Nothing is left that is taken for it.
    """
    packages = packages_of(lock)
    key = environment_key(packages, this_host())
    try:
        with _locked(store, key, tell) as held:
            found = store.about(key) if store.is_whole(key) else None
            if found is None:
                found = _build(key, lock, store, tell, held)
            store.touch(key)
            return found
    except OSError as error:
        raise EnvironmentBuildError(f"the environment cannot be written below {store.root}: {error}") from error


@contextmanager
def _locked(store: Store, key: str, tell: Tell) -> Iterator[int]:
    """The store's lock; tells when it has to be waited for."""
    try:
        with store.lock(key, wait=False) as held:
            yield held
            return
    except BlockingIOError:
        tell("waiting for another build of the same environment")
    with store.lock(key) as held:
        yield held


def _build(key: str, lock: str, store: Store, tell: Tell, held: int) -> About:
    began = time.monotonic()
    for left in store.root.glob(f"{BUILDING}{key}-*"):
        remove(left)  # of a build that was killed: we hold the lock, so nobody is at work in it
    if store.folder(key).exists():
        _discard(key, store, tell)
    folder = store.root / f"{BUILDING}{key}-{secrets.token_hex(4)}"
    try:
        _install(folder, lock, store, tell, held)
        _compile(folder, store, tell, held)
        about = _finish(folder, key, packages_of(lock), began)
        replace(folder, store.folder(key))
    except BaseException:
        remove(folder)
        raise
    seal_top(store.folder(key))
    store.seals.put(key, store.folder(key))
    tell(f"environment {key} is built, {about.bytes / 1e6:.0f} MB")
    return about


def _discard(key: str, store: Store, tell: Tell) -> None:
    """What is there is not whole, so what it was made from may not be either."""
    tell(f"environment {key} is damaged and is built anew")
    store.seals.forget(key)
    remove(store.folder(key))
    clear_downloads(store)


def _install(folder: Path, lock: str, store: Store, tell: Tell, held: int) -> None:
    """A virtual environment of this Python, with the packages copied in.

    Hard links would be quicker, but a file that is edited in one environment would change in uv's cache and in others.
    """
    count = len(packages_of(lock))
    tell(f"installing {count} package{'s' if count != 1 else ''}")
    _uv(("venv", "--relocatable", "--no-project", "--python", sys.executable, str(folder)), store, tell, held)
    (folder / _LOCK).write_text(lock, "utf-8")
    options = ("--no-build", "--require-hashes", "--link-mode", "copy")
    python = str(folder / "bin" / "python")
    _uv(("pip", "sync", "--python", python, *options, str(folder / _LOCK)), store, tell, held)


def _uv(arguments: Sequence[str], store: Store, tell: Tell, held: int) -> None:
    done = run_uv(arguments, store.root, store.downloads, tell, store.timeout_s, held)
    if done.code:
        raise _not_by_the_models_fault(failure(done))


def _not_by_the_models_fault(error: Exception) -> EnvironmentBuildError:
    """The list was resolved before: where it cannot be installed, the index or the machine has changed since."""
    if isinstance(error, ModelError):
        return EnvironmentBuildError(f"{error.problem}. The packages of this version cannot be had any more here")
    return EnvironmentBuildError(str(error))


def _compile(folder: Path, store: Store, tell: Tell, held: int) -> None:
    """Bytecode for all modules, so that no first import is slow.

    By Tidegate's own Python: nothing that a package brings runs here, not even a .pth file. It runs in the sandbox.
    """
    tell("compiling")
    packages = sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
    jobs = str(min(4, os.cpu_count() or 1))
    command = [sys.executable, "-I", "-m", "compileall", "-q", "-j", jobs, "-x", _NEVER_IMPORTED, packages]
    env = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    # Modules that are no Python of this version make it end with 1; whoever imports them will hear of it.
    listen(command, store.root, env, tell, store.timeout_s, held)


def _finish(folder: Path, key: str, packages: tuple[str, ...], began: float) -> About:
    size = seal(folder)
    about = About(key, packages, this_host().python, size, round(time.monotonic() - began, 3))
    sync_tree(folder)
    write_file(folder / ABOUT_FILE, msgspec.json.encode(about), 0o444)
    return about
