"""Whether a folder's tidegate.toml agrees with the place that it was sent to."""

from pathlib import Path

from model_runner.errors import ModelError
from model_runner.folder.toml_file import TOML_FILE, read_toml
from storage.registry import DEFAULT_WORKSPACE


def agree(folder: Path, workspace: str | None, name: str | None) -> None:
    """A name that is None is the folder's own to choose.

    Raises:
        ModelError: tidegate.toml names another model or another workspace.
    """
    toml = read_toml(folder)
    if name is not None and toml.name not in (None, name):
        fix = f'Write name = "{name}", leave it out, or push to …/{toml.name}.git'
        raise ModelError(TOML_FILE, f"name is {toml.name!r}, but this repository is that of {name!r}", fix)
    if workspace is not None and toml.workspace not in (DEFAULT_WORKSPACE, workspace):
        fix = f'Write workspace = "{workspace}", or leave it out'
        raise ModelError(TOML_FILE, f"workspace is {toml.workspace!r}, but this one is {workspace!r}", fix)
