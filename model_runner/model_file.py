"""Which file of a folder is the model."""

from collections.abc import Sequence
from pathlib import Path

from model_runner.errors import ModelError
from model_runner.formats import suffixes

PREDICT_FILE = "predict.py"
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


def _listed(paths: Sequence[Path]) -> str:
    return " and ".join(path.name for path in paths)
