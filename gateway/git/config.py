"""How the remote is set up, and the environment that git gets: its own settings, and nothing of the gateway's."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.edge.token import Token
from model_runner.folder.bounds import FolderBounds

KEPT = ("PATH", "PYTHONPATH", "TMPDIR", "LD_LIBRARY_PATH", "TIDEGATE_STACK")
"""Of the gateway's environment: where programs are, and the mark by which the stack finds its processes."""
STREAMED_BYTES = 16_000_000
"""Files above this are never held in memory by git."""
KEEP_ALIVE_S = 5


@dataclass(frozen=True)
class GitConfig:
    root: Path
    """Holds `<workspace>/<model>.git`, and the hooks."""
    staging: Path
    deployer: Path
    """The deployer's socket."""
    token: Token
    branch: str = "main"
    """Whose commits go live."""
    max_bytes: int = 2_000_000_000
    """Of one pack, and of one LFS object."""
    bounds: FolderBounds = field(default_factory=FolderBounds)
    """Of the files of a commit."""
    max_repository_bytes: int = 20_000_000_000
    """Of all packs and LFS objects of one repository."""

    @property
    def hooks(self) -> Path:
        return self.root / ".hooks"

    def repository(self, workspace: str, model: str) -> Path:
        return self.root / workspace / f"{model}.git"


def git_environment(config: GitConfig, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For every git process of the remote. What stands in a repository's own configuration cannot loosen it."""
    kept = {name: inherited[name] for name in KEPT if name in inherited}
    settings = dict(_numbered(list(_settings(config))))
    return {
        **kept,
        **settings,
        "HOME": str(config.root),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }


def _settings(config: GitConfig) -> Iterator[tuple[str, str]]:
    yield "safe.directory", "*"
    yield "core.hooksPath", str(config.hooks)
    yield "core.bigFileThreshold", str(STREAMED_BYTES)
    yield "http.receivepack", "true"
    yield "http.uploadpack", "true"
    yield "receive.maxInputSize", str(config.max_bytes)
    yield "receive.unpackLimit", "1"
    # Without it a client that sends some, for the CI of another server, is refused in words of its own.
    yield "receive.advertisePushOptions", "true"
    yield "receive.keepAlive", str(KEEP_ALIVE_S)
    yield "receive.fsckObjects", "true"
    # What a push was told to be taken is still there after a power loss, and so is the branch that says so.
    yield "core.fsync", "objects,reference"
    # A branch that goes is refused by us, with the reason; git's own refusal says none.
    yield "receive.denyDeleteCurrent", "ignore"
    yield "gc.autoDetach", "false"


def _numbered(settings: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield "GIT_CONFIG_COUNT", str(len(settings))
    for number, (key, value) in enumerate(settings):
        yield f"GIT_CONFIG_KEY_{number}", key
        yield f"GIT_CONFIG_VALUE_{number}", value
