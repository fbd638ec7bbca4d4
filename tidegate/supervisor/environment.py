"""The environment of every process of the stack: the same settings as the supervisor's, wherever these came from."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tidegate.backends.clickhouse_password import readonly_password
from tidegate.parts.leftovers import MARK
from tidegate.settings import Settings, secret_of

FIXED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONUNBUFFERED": "1",
}
"""One thread for arithmetic: several processes share the cores. Two arenas: idle processes give memory back."""

_FOR_ANY_PYTHON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV")


def settings_environment(settings: Settings) -> dict[str, str]:
    """The settings that were given (environment, `.env`, arguments), as environment variables with absolute paths."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set if name in Settings.model_fields}
    given["home"] = settings.home_path
    return {f"TIDEGATE_{name.upper()}": _text(value) for name, value in given.items() if value is not None}


def child_environment(settings: Settings, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a process of the stack gets."""
    return {**inherited, **FIXED, **settings_environment(settings), MARK: str(settings.home_path)}


def broker_environment(settings: Settings, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """All that the embedded broker gets: no secret of the stack."""
    kept = {name: inherited[name] for name in (*_FOR_ANY_PYTHON, "LD_LIBRARY_PATH", "RUST_LOG") if name in inherited}
    return {**kept, MARK: str(settings.home_path)}


def clickhouse_environment(settings: Settings, inherited: Mapping[str, str] = os.environ) -> dict[str, str] | None:
    """All that the embedded ClickHouse gets: its passwords, and no other secret; None where it has no password."""
    password = secret_of(settings.clickhouse_password)
    if password is None:
        return None
    passwords = {"CLICKHOUSE_PASSWORD": password, "CLICKHOUSE_READONLY_PASSWORD": readonly_password(password)}
    kept = {name: inherited[name] for name in _FOR_ANY_PYTHON if name in inherited}
    return {**kept, **FIXED, **passwords, MARK: str(settings.home_path)}


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.expanduser().resolve())
    return str(value)
