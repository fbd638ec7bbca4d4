"""Which file of a folder is the model."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from model_runner.errors import ModelError
from model_runner.suffixes import suffixes

PREDICT_FILE = "predict.py"
_MOST_LOOKED_AT = 20_000
"""Files and folders, for a model that may be in another folder."""
_ONLY_AS_MODEL = {".json", ".txt"}
"""Suffixes of many other files too: under these only `model.json` and `model.txt` are models."""


def find_model_file(folder: Path) -> Path:
    """`model.<suffix>`, else the one file with a model's suffix, else `predict.py`.

    With more than one candidate `predict.py` is the model, and its `load` chooses.

    Raises:
        ModelError: there is none, or without a `predict.py` more than one.
    """
    found = _named_model(folder) or _of_another_name(folder)
    if len(found) == 1:
        return found[0]
    script = folder / PREDICT_FILE
    if script.is_file():
        return script
    if found:
        fix = "Keep the one to be served, or add a predict.py whose load(folder) chooses"
        if found[0].stem != "model":
            fix = f"Name the one to be served model{found[0].suffix}; the others may stay"
        raise ModelError(found[0].name, f"is not the only model file: {_listed(found)}", fix)
    below = _below(folder)
    if below is not None:
        where = below.parent.relative_to(folder).as_posix()
        fix = f"Deploy that folder: {where}. By git: git subtree push --prefix={shlex.quote(where)} <remote> main"
        raise ModelError("model", f"there is no model file in {folder}, but {below.name} is in {where}", fix)
    known = ", ".join(f"model{suffix}" for suffix in suffixes())
    fix = f"Save the model there as one of {known}; or write {PREDICT_FILE} with load(folder) and predict(model, rows)"
    raise ModelError("model", f"there is no model file in {folder}", fix)


def _named_model(folder: Path) -> list[Path]:
    paths = [folder / f"model{suffix}" for suffix in suffixes()]
    return [path for path in paths if path.is_file()]


def _of_another_name(folder: Path) -> list[Path]:
    wanted = set(suffixes()) - _ONLY_AS_MODEL
    paths = sorted(folder.iterdir())
    return [path for path in paths if path.suffix in wanted and not path.name.startswith(".") and path.is_file()]


def _below(folder: Path) -> Path | None:
    """The first that would be one, if its folder were the model's."""
    seen = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        seen += len(files) + len(folders)
        if seen > _MOST_LOOKED_AT:
            return None
        found = [] if Path(place) == folder else _named_model(Path(place)) or _of_another_name(Path(place))
        if found:
            return found[0]
    return None


def _listed(paths: Sequence[Path]) -> str:
    return " and ".join(path.name for path in paths)
