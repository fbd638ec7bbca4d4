"""The interpreter that a model folder runs with: Tidegate's own where that will do, else one of an environment."""

from dataclasses import dataclass
from pathlib import Path

from model_runner.environment.building import build
from model_runner.environment.errors import EnvironmentBuildError
from model_runner.environment.host import find_installed, this_host
from model_runner.environment.key import environment_key, packages_of
from model_runner.environment.requirements import REQUIREMENTS_FILE, Line, parse_requirements, read_requirements
from model_runner.environment.resolving import resolve
from model_runner.environment.runner_copy import runner_copy
from model_runner.environment.satisfied import unsatisfied
from model_runner.environment.store import About, Store
from model_runner.environment.uv import Tell
from model_runner.process.launch import HOST_PYTHON, RunnerPython

LOCK_FILE = ".tidegate-requirements.lock"
"""Written beside the model once its requirements were resolved: the same packages for ever, wherever it is started."""


@dataclass(frozen=True)
class PreparedEnvironment:
    """What a model runs with."""

    python: RunnerPython
    environment: About | None = None
    """None where it runs in Tidegate's own environment."""


def _unheard(_: str) -> None:
    """Nobody listens."""


def prepare(folder: Path, store: Store, tell: Tell = _unheard) -> PreparedEnvironment:
    """Resolve a folder's requirements anew and build their environment, each only where it is needed.

    Args:
        folder: a copy of the model folder that may be written to: LOCK_FILE is left there.
        tell: told of each step, one line each.

    Raises:
        ModelError: the requirements are at fault.
        EnvironmentBuildError: it cannot be built now.
    """
    sealed = folder / LOCK_FILE
    sealed.unlink(missing_ok=True)
    lines = _beyond_host(folder)
    if not lines:
        return PreparedEnvironment(HOST_PYTHON)
    lock = resolve(lines, store, tell)
    sealed.write_text(lock, "utf-8")
    return _prepared(build(lock, store, tell), store)


def restore(folder: Path, store: Store, tell: Tell = _unheard) -> PreparedEnvironment:
    """The same for a folder that was prepared before, here or on another machine: from its LOCK_FILE, where it has one.

    Raises:
        ModelError, EnvironmentBuildError: as `prepare`.
    """
    sealed = folder / LOCK_FILE
    if sealed.is_file():
        return _prepared(build(_read_lock(sealed), store, tell), store)
    lines = _beyond_host(folder)
    if not lines:
        return PreparedEnvironment(HOST_PYTHON)
    # Tidegate's own environment was enough when it was deployed, and has changed since.
    return _prepared(build(resolve(lines, store, tell), store, tell), store)


def at_hand(folder: Path, store: Store) -> PreparedEnvironment | None:
    """What `restore` gives, where nothing has to be built for it; else None.

    Raises:
        ModelError: the requirements are at fault.
        EnvironmentBuildError: the copy of the runner cannot be written.
    """
    sealed = folder / LOCK_FILE
    if not sealed.is_file():
        return None if _beyond_host(folder) else PreparedEnvironment(HOST_PYTHON)
    key = environment_key(packages_of(_read_lock(sealed)), this_host())
    about = store.about(key) if store.is_whole(key) else None
    if about is None:
        return None
    store.touch(key)
    return _prepared(about, store)


def _read_lock(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise EnvironmentBuildError(f"{path} is damaged ({error}): deploy the model again") from error


def _beyond_host(folder: Path) -> tuple[Line, ...]:
    """All requirements of a folder; none where Tidegate's own environment meets them all."""
    path = folder / REQUIREMENTS_FILE
    if not path.is_file():
        return ()
    lines = parse_requirements(read_requirements(path))
    return lines if unsatisfied(lines, find_installed) else ()


def _prepared(about: About, store: Store) -> PreparedEnvironment:
    try:
        entry = runner_copy(store.root)
    except OSError as error:
        raise EnvironmentBuildError(f"the runner cannot be written below {store.root}: {error}") from error
    python = store.folder(about.key) / "bin" / "python"
    # Isolated: neither PYTHONPATH nor the user's own site-packages are the model's. -u: its logs come as written.
    return PreparedEnvironment(RunnerPython(python, ("-I", "-u"), (str(entry),)), about)
