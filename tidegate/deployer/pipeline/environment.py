"""The stage `environment` of a deployment: what the model's requirements need, made before its code is loaded."""

from collections.abc import Callable
from pathlib import Path

from model_runner.environment import LOCK_FILE, PreparedEnvironment, Store, prepare
from storage.registry import Database
from tidegate.deployer.pipeline.stages import StageLog
from tidegate.home.environments import make_room

STAGE = "environment"


class EnvironmentStage:
    """Called with the folder that is checked; remembers what to say about it."""

    def __init__(
        self, store: Store, limit_mb: int, database: Database, stages: StageLog, tell: Callable[[str], None]
    ) -> None:
        self.detail = ""
        self._store = store
        self._limit_mb = limit_mb
        self._database = database
        self._stages = stages
        self._tell = tell

    def __call__(self, folder: Path) -> PreparedEnvironment:
        """Raises ModelError, EnvironmentBuildError."""
        self._stages.current = STAGE
        known = {entry.about.key for entry in self._store.entries()}
        prepared = prepare(folder, self._store, self._tell)
        self.detail = _describe(prepared, known)
        if prepared.environment is not None and prepared.environment.key not in known:
            make_room(self._store, self._limit_mb, self._database)
        self._stages.current = "load"
        return prepared


def lock_files(folder: Path) -> list[str]:
    """What is stored beside the model, so that the same packages can be had again."""
    return [LOCK_FILE] if (folder / LOCK_FILE).is_file() else []


def _describe(prepared: PreparedEnvironment, known: set[str]) -> str:
    about = prepared.environment
    if about is None:
        return "Tidegate's own"
    how = "known" if about.key in known else "built"
    return f"{how}: {about.key}, {len(about.packages)} packages, {about.bytes / 1e6:.0f} MB"
