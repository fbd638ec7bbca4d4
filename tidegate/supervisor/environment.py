"""The environment of every process of the stack: the same settings as the supervisor's, wherever these came from."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tidegate.settings import Settings
from tidegate.supervisor.leftovers import MARK

FIXED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONUNBUFFERED": "1",
}
"""One thread for arithmetic: several processes share the cores. Two arenas: idle processes give memory back."""


def settings_environment(settings: Settings) -> dict[str, str]:
    """The settings that were given (environment, `.env`, arguments), as environment variables with absolute paths."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set if name in Settings.model_fields}
    given["home"] = settings.home_path
    return {f"TIDEGATE_{name.upper()}": _text(value) for name, value in given.items() if value is not None}


def child_environment(settings: Settings, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a process of the stack gets."""
    return {**inherited, **FIXED, **settings_environment(settings), MARK: str(settings.home_path)}


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.expanduser().resolve())
    return str(value)
