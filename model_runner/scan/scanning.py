"""The scan of a model folder: every pickle in it, against the list and what its tidegate.toml allows."""

from collections.abc import Collection
from functools import partial
from pathlib import Path

from model_runner.blaming import of_script
from model_runner.errors import ModelError
from model_runner.scan.files import pickles_of, scan_file
from model_runner.scan.names import Verdict, judge
from model_runner.scan.own_modules import defines
from model_runner.scan.walk import MalformedError

_CONFINED = "The sandbox confines it all the same"


def scan_folder(folder: Path, allowed: Collection[str] = ()) -> list[str]:
    """Look through all pickles; their names.

    Args:
        allowed: `[scan] allow`: `package.Thing`, or `package.*`.

    Raises:
        ModelError: one names something that is not on the list, or cannot be read.
    """
    found = pickles_of(folder)
    for path in found:
        file = path.relative_to(folder).as_posix()
        try:
            scan_file(path, partial(_check, folder, file, allowed))
        except MalformedError as error:
            fix = "Load it once with the same package versions and save it again"
            raise ModelError(file, f"cannot be loaded, or is no pickle: {error}", fix) from error
    return [path.name for path in found]


def _check(folder: Path, file: str, allowed: Collection[str], module: str, name: str) -> None:
    full = f"{module}.{name}"
    verdict = judge(module, name, allowed)
    if verdict is Verdict.DANGEROUS:
        fix = "Do not load this file. If it is yours, save the fitted model without it, or load it in code of your own"
        raise ModelError(file, f"names {full}, which no model needs and attacks use", fix)
    if verdict is Verdict.UNKNOWN and not defines(folder, module, name):
        if module == "__main__":
            raise of_script(file, name)
        fix = f'If you know it, write [scan] allow = ["{full}"] into tidegate.toml. {_CONFINED}'
        raise ModelError(file, f"names {full}, which is not on the list of what models are made of", fix)
