"""scikit-learn models saved by skops: no pickle, and nothing of a type that nobody knows."""

from pathlib import Path
from zipfile import BadZipFile

import skops.io

from model_runner.errors import ModelError
from model_runner.folder.toml_file import read_toml
from model_runner.formats.pickled import wrapped
from model_runner.model import LoadedModel
from model_runner.scan.names import Verdict, judge
from model_runner.scan.own_modules import defines

_SHOWN = 10
_EXECUTED = "scipy.stats."
"""Distributions of SciPy execute source in their state, and skops' files are not looked through for it."""


def load(path: Path) -> LoadedModel:
    """Load a skops file.

    Raises:
        ModelError: it is none, or holds types that nobody knows; they are named.
    """
    try:
        unsure = skops.io.get_untrusted_types(file=path)
    except (BadZipFile, KeyError) as error:
        fix = "Save the model with skops.io.dump"
        raise ModelError(path.name, f"is no file of skops: {error}", fix) from error
    allowed = read_toml(path.parent).scan.allow if unsure else []
    untrusted = [name for name in unsure if not _is_known(path.parent, name, allowed)]
    if untrusted:
        raise _refusal(path.name, untrusted)
    return wrapped(skops.io.load(path, trusted=unsure), path.name)


def _is_known(folder: Path, full: str, allowed: list[str]) -> bool:
    """skops trusts few types, the scan of pickles more: what may be in a pickle may be in here."""
    module, _, name = full.rpartition(".")
    if full.startswith(_EXECUTED) and full not in allowed:
        return False
    return judge(module, name, allowed) is Verdict.KNOWN or defines(folder, module, name)


def _refusal(file: str, untrusted: list[str]) -> ModelError:
    more = f" and {len(untrusted) - _SHOWN} more" if len(untrusted) > _SHOWN else ""
    quoted = ", ".join(f'"{name}"' for name in untrusted[:_SHOWN])
    fix = (
        "Save the model as model.joblib (XGBoost: model.ubj, LightGBM: model.txt), or, if you know them, write "
        f"[scan] allow = [{quoted}] into tidegate.toml"
    )
    problem = f"holds types that skops does not trust: {', '.join(untrusted[:_SHOWN])}{more}"
    return ModelError(file, problem, fix)
