"""What a check is asked to do, and what it calls back."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from model_runner.checking.host import Host
from model_runner.checking.report import OnStage
from model_runner.environment import PreparedEnvironment
from model_runner.folder.manifest import Manifest
from model_runner.process.launch import HOST_PYTHON
from model_runner.sandbox.plan import Confinement
from model_runner.sandbox.policy import SandboxPolicy, confine

_NUMBERS = count(1)

Prepare = Callable[[Path], PreparedEnvironment]
"""Makes what a model folder needs to run."""
Admit = Callable[[Manifest], None]
"""Refuses what asks for too much, by an exception."""


def in_our_own(_: Path) -> PreparedEnvironment:
    """Tidegate's own environment, whatever the model asks for."""
    return PreparedEnvironment(HOST_PYTHON)


@dataclass(frozen=True)
class CheckRequest:
    """The arguments of `check_model`, each of them set."""

    name: str | None
    timeout_s: float
    on_stage: OnStage
    sandbox: SandboxPolicy
    prepare: Prepare
    admit: Admit
    host: Host | None


def confinement_of(manifest: Manifest, sandbox: SandboxPolicy, timeout_s: float) -> Confinement:
    """For one process of the check. `timeout_s`: for its load, where the manifest does not say."""
    limits = manifest.limits
    limits = replace(limits, load_seconds=limits.load_seconds or timeout_s)
    process = f"check-{os.getpid()}-{next(_NUMBERS)}"
    return confine(sandbox, limits, workspace=manifest.workspace, model=manifest.name, process=process)
