"""The scan of a model folder: every pickle in it, against the list and what its tidegate.toml allows."""

from collections.abc import Collection
from functools import partial
from pathlib import Path

from model_runner.errors import ModelError
from model_runner.explaining.load_errors import of_script
from model_runner.scan.calls import HostileError
from model_runner.scan.files import pickles_of, scan_file
from model_runner.scan.names import Verdict, judge
from model_runner.scan.own_modules import defines, imported
from model_runner.scan.walk import MalformedError

_CONFINED = "The sandbox confines it all the same"
_DO_NOT_LOAD = (
    "Do not load this file. If it is yours, save the fitted model without it, and do what it did in a predict.py"
)
_METHOD = (
    "Do not load this file. If it is yours, it keeps a method of an object: put a function in its place that a file "
    "beside the model defines, such as steps.py, import it from there where you train, and save the model again"
)
_BY_CODE = ("cloudpickle", "dill")


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
        except HostileError as error:
            raise ModelError(file, f"{error}, which no model needs and attacks do", _DO_NOT_LOAD) from error
        except MalformedError as error:
            fix = "Load it once with the same package versions and save it again"
            raise ModelError(file, f"cannot be loaded, or is no pickle: {error}", fix) from error
    return [path.name for path in found]


def _check(folder: Path, file: str, allowed: Collection[str], module: str, name: str, called: bool) -> None:
    full = f"{module}.{name}"
    verdict = judge(module, name, allowed, called=called)
    if verdict is Verdict.DANGEROUS:
        if module.split(".", 1)[0] in _BY_CODE:
            raise _by_code(file, module)
        fix = _METHOD if full == "builtins.getattr" else _DO_NOT_LOAD
        raise ModelError(file, f"names {full}, which no model needs and attacks use", fix)
    if verdict is Verdict.UNKNOWN and not _is_own(folder, module, name):
        if module == "__main__":
            raise of_script(file, name)
        doing = "calls" if called and judge(module, name, allowed) is Verdict.KNOWN else "names"
        fix = f'If you know it, write [scan] allow = ["{full}"] into tidegate.toml. {_CONFINED}'
        raise ModelError(file, f"{doing} {full}, which is not on the list of what models are made of", fix)


def _is_own(folder: Path, module: str, name: str) -> bool:
    """Whether a file beside the model defines it, or imports what any pickle may name."""
    if defines(folder, module, name):
        return True
    origin = imported(folder, module, name)
    return origin is not None and judge(*origin) is Verdict.KNOWN


def _by_code(file: str, module: str) -> ModelError:
    """cloudpickle and dill write a lambda, or what a notebook defines, as its code: nobody can look through that."""
    library = module.split(".", 1)[0]
    return ModelError(
        file,
        f"holds a function or a class by its code, as {library} saves lambdas and what a notebook defines",
        "Define it with def or class in a file beside the model, such as steps.py, import it from there where you "
        "train, and save the model with joblib.dump",
    )
