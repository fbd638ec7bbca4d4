"""Who runs the process in which a model is checked, and what its end says."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from model_runner.errors import ModelError
from model_runner.explaining.report import read_error
from model_runner.explaining.sandbox_errors import says_out_of_memory
from model_runner.folder.manifest import Manifest, read_manifest
from model_runner.limits import Limits, over_memory
from model_runner.plain_text import plain
from model_runner.process.endings import how_ended, likely_cause

_LAST_LINE = 200
"""Characters of what a reader said last."""


class Running(Protocol):
    """A process that serves a folder."""

    @property
    def socket(self) -> Path:
        """Where it is asked."""

    @property
    def has_ended(self) -> bool: ...

    async def wait(self) -> object:
        """Return when it has ended; may be cancelled. Raises what is to blame instead of the model."""

    async def death(self, doing: str) -> ModelError:
        """Why it ended. Raises what is to blame instead of the model."""


class Host(Protocol):
    """Who runs runners, and can have a model checked in what becomes one."""

    async def begin(self, manifest: Manifest, limits: Limits) -> None:
        """Its process may be made ready for this folder; until `running` it touches none of its files."""

    def running(self, folder: Path, limits: Limits) -> AbstractAsyncContextManager[Running | None]:
        """A process that serves the folder, as a deployment's would; None where it cannot be had.

        It may wait for the word that it may load the model, and goes on after the block, unless something is raised
        in it.
        """


@dataclass(frozen=True)
class Ending:
    """How a process ended."""

    code: int
    said: str
    """The end of what it wrote."""
    is_out_of_memory: bool
    """Whether the kernel ended it for its limit."""


def why_ended(ending: Ending, folder: Path, limits: Limits, doing: str) -> ModelError:
    """What it says itself; else what can be seen of it."""
    log = ending.said
    told = read_error(log)
    if told is not None:
        return told
    if says_out_of_memory(log) or ending.is_out_of_memory:
        return over_memory("model", limits, doing)
    tail = "\n".join(log.strip().splitlines()[-12:]) or "it wrote nothing"
    problem = f"ended its process while it {doing} ({how_ended(ending.code)})"
    return ModelError(_file(folder), problem, f"{likely_cause(ending.code)}The end of its log:\n{tail}")


def why_reader_ended(ending: Ending, file: str, limits: Limits) -> ModelError:
    """The same of a process that parses a file: libraries in C++ end in many ways where they get no memory."""
    told = read_error(ending.said)
    if told is not None:
        return told
    how = how_ended(ending.code)
    if ending.is_out_of_memory or says_out_of_memory(ending.said) or how == "SIGKILL":
        fix = "Take fewer rows, or raise [limits] memory in tidegate.toml"
        return ModelError(file, f"takes more than {limits.memory} to be read (its reader ended: {how})", fix)
    last = plain(ending.said.strip().rpartition("\n")[2], _LAST_LINE)
    problem = f"cannot be read: its reader ended ({how}), and said last: {last or 'nothing'}"
    large = f"Where it is large, {limits.memory} of memory may be too few: take fewer rows, or raise [limits] memory"
    return ModelError(file, problem, f"Save it again. {large} in tidegate.toml")


def _file(folder: Path) -> str:
    """That whose code or whose library was at work."""
    try:
        manifest = read_manifest(folder, name="model")
    except ModelError:
        return "model"
    return (manifest.predict_file or manifest.model_file).name
