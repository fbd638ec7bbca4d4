"""Where runners listen: one rule for the supervisor, the deployer and the gateway."""

import hashlib
import os
import tempfile
from pathlib import Path

LONGEST = 100
"""Bytes. The kernel takes 107 (Linux) or 103 (macOS) for a Unix socket's path."""
_ID_BYTES = 24
"""Room for a deployment's id; ids are 13 long."""


def socket_base(run_path: Path) -> Path:
    """The folder that holds `r/<runner>/s`: the run folder itself, or a short one of this user's where that is
    too long."""
    if len(os.fsencode(run_path / "r")) + len("/") + _ID_BYTES + len("/s") <= LONGEST:
        return run_path
    digest = hashlib.sha256(os.fsencode(run_path)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"tidegate-{os.getuid()}-{digest}"


def runner_socket(run_path: Path, name: str) -> Path:
    """The Unix socket of a runner, by its name (gateway/replica_names.py), in a folder of its own. The
    supervisor makes it: a runner may not write there."""
    return socket_base(run_path) / "r" / name / "s"


def deployer_socket(run_path: Path) -> Path:
    """The Unix socket of the deployer."""
    return socket_base(run_path) / "deployer.sock"


def make_socket_folder(run_path: Path) -> Path:
    """Make the folder, for its owner only.

    Raises:
        PermissionError: it exists and belongs to somebody else.
    """
    folder = socket_base(run_path) / "r"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        if each.stat().st_uid != os.getuid():
            raise PermissionError(f"{each} belongs to another user: set TIDEGATE_HOME to a shorter path of your own")
        each.chmod(0o700)
    return folder
