"""The bare repositories: made by the first push, whole or not at all."""

import asyncio
import secrets
import shlex
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

from gateway.git.config import GitConfig, git_environment
from gateway.git.receive.context import REFUSED
from model_runner.disk.durable import make_folder, replace, sync_tree

HOOKS = ("pre-receive", "post-receive")
OF_ONE_REF = "update"
_REFUSES_ONE = f"""#!/bin/sh
# git asks for each ref of a push that pre-receive lets pass: some of them may be refused all the same.
[ ! -e "${REFUSED}" ] || ! LC_ALL=C grep -qxF -e "$1" "${REFUSED}"
"""


class RepositoryError(Exception):
    """A repository cannot be made."""


def write_hooks(config: GitConfig) -> None:
    """One folder of hooks for all repositories; written anew at each start, since Python may have moved."""
    config.hooks.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in HOOKS:
        # -P: the folder in which a hook runs holds what was pushed, and nothing is to be imported from there.
        command = f"exec {shlex.quote(sys.executable)} -P -m gateway.git.hook {name}"
        _write_hook(config.hooks, name, f"#!/bin/sh\n{command}\n")
    _write_hook(config.hooks, OF_ONE_REF, _REFUSES_ONE)


def _write_hook(folder: Path, name: str, script: str) -> None:
    part = folder / f".{name}.{secrets.token_hex(4)}"
    part.write_text(script)
    part.chmod(0o700)
    part.replace(folder / name)


async def ensure_repository(config: GitConfig, workspace: str, model: str) -> Path:
    """The model's repository, made where there is none.

    Raises:
        RepositoryError: git cannot make it; the message says why.
    """
    path = config.repository(workspace, model)
    if await asyncio.to_thread(path.is_dir):
        return path
    part = path.with_name(f".{model}.{secrets.token_hex(4)}")
    await asyncio.to_thread(make_folder, path.parent, 0o700)
    try:
        await _init(config, part)
        await asyncio.to_thread(_keep, part, path)
    except OSError:
        # Two first pushes at once: either's repository will do.
        if not await asyncio.to_thread(path.is_dir):
            raise
    finally:
        await asyncio.to_thread(shutil.rmtree, part, ignore_errors=True)
    return path


def _keep(part: Path, path: Path) -> None:
    sync_tree(part)
    replace(part, path)


async def _init(config: GitConfig, path: Path) -> None:
    command = ("git", "init", "--quiet", "--bare", "--template=", f"--initial-branch={config.branch}", str(path))
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=git_environment(config)
    )
    _, stderr = await process.communicate()
    if process.returncode:
        raise RepositoryError(f"git cannot make a repository: {stderr.decode(errors='replace').strip()}")
