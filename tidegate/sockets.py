"""Where runners and the deployer listen: one rule for the supervisor, the deployer, the gateway and the commands."""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

LONGEST = 100
"""Bytes. The kernel takes 107 (Linux) or 103 (macOS) for a Unix socket's path."""
_ID_BYTES = 24
"""Room for a deployment's id; ids are 13 long."""
_OTHERS = 0o077


class SocketFolderError(PermissionError):
    """Where sockets should lie somebody else could put theirs; the message says what to do."""


def socket_base(run_path: Path) -> Path:
    """The folder that holds `r/<runner>/s`: the run folder itself, or a short one of this user's where that is
    too long.

    The short one has a name that others can guess, in a folder where all may write.

    Raises:
        SocketFolderError: it is there, and is not ours alone.
    """
    if len(os.fsencode(run_path / "r")) + len("/") + _ID_BYTES + len("/s") <= LONGEST:
        return run_path
    digest = hashlib.sha256(os.fsencode(run_path)).hexdigest()[:12]
    base = Path(tempfile.gettempdir()) / f"tidegate-{os.getuid()}-{digest}"
    with suppress(FileNotFoundError):
        _refuse_others(base)
    return base


def runner_socket(run_path: Path, name: str) -> Path:
    """The Unix socket of a runner, by its name (gateway/routing/replica_names.py), in a folder of its own. The
    supervisor makes it: a runner may not write there."""
    return socket_in(socket_base(run_path), name)


def socket_in(base: Path, name: str) -> Path:
    """The same within the folder that `socket_base` found."""
    return base / "r" / name / "s"


def deployer_socket(run_path: Path) -> Path:
    """The Unix socket of the deployer."""
    return socket_base(run_path) / "deployer.sock"


def candidates_socket(run_path: Path) -> Path:
    """The Unix socket on which the supervisor takes models that are to be checked."""
    return socket_base(run_path) / "candidates.sock"


def make_socket_folder(run_path: Path) -> Path:
    """Make the folder, for its owner only.

    Raises:
        SocketFolderError: there is one already, and it is not ours alone.
    """
    base = socket_base(run_path)
    if base == run_path:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if base.stat().st_uid == os.getuid():
            base.chmod(0o700)
    for folder in (base, base / "r"):
        folder.mkdir(mode=0o700, exist_ok=True)
        _refuse_others(folder)
    return base / "r"


def _refuse_others(folder: Path) -> None:
    """Raises SocketFolderError; FileNotFoundError where there is nothing.

    What is ours and lies in a folder with the sticky bit nobody else can put another in the place of.
    """
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode):
        problem = "is a link"
    elif not stat.S_ISDIR(found.st_mode):
        problem = "is no folder"
    elif found.st_uid != os.getuid():
        problem = "belongs to another user"
    elif found.st_mode & _OTHERS:
        problem = "is open to other users"
    else:
        return
    raise SocketFolderError(
        f"{folder} {problem}, so another user could listen in the place of a model. Remove it, or set TIDEGATE_HOME to "
        "a path of your own that is short enough for sockets"
    )
