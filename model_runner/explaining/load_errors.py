"""What a model's own code or its library raises, as an error that names the file and what to do."""

import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_runner.errors import ModelError
from model_runner.explaining.raised import in_words
from model_runner.explaining.sandbox_errors import hint
from model_runner.packages import package_of

_TAIL_LINES = 12
_WANTS_NUMPY_1 = (
    "numpy.dtype size changed",
    "compiled using NumPy 1.x",
    "numpy.core.multiarray failed to import",
    "_ARRAY_API not found",
)
_LIBRARIES = {"joblib", "lightgbm", "onnx", "onnxruntime", "sklearn", "skops", "torch", "xgboost"}
"""Of our formats: nobody's own module is called so."""
_LOST_CLASS = re.compile(r"Can't get attribute '(\w+)' on <module '([\w.]+)'")


@contextmanager
def load_errors_of(file: str) -> Iterator[None]:
    """Whatever is raised inside is raised as ModelError about this file; a ModelError stays what it is."""
    try:
        yield
    except ModelError:
        raise
    except ModuleNotFoundError as error:
        raise _missing(file, error.name or "") from error
    except BaseException as error:  # a model's code may raise anything
        raise _lost_class(file, error) or broken(file, "cannot be loaded", error) from error


def broken(file: str, what: str, error: BaseException, fix: str = "") -> ModelError:
    """An error of the model's own code, with the end of its traceback; of a library's code, that would help nobody."""
    trace = _trace(error) if _is_in_own_code(error) else ""
    fix = hint(error) or _of_numpy_1(error) or fix
    if not fix:
        script = file.endswith(".py")
        fix = f"Correct {file}" if script else "Load it once with the same package versions and save it again"
    return ModelError(file, f"{what}: {in_words(error)}", f"{fix}.\n{trace}" if trace else fix)


def _trace(error: BaseException) -> str:
    return "\n".join("".join(traceback.format_exception(error)).strip().splitlines()[-_TAIL_LINES:])


def _is_in_own_code(error: BaseException | None) -> bool:
    """Whether a file that lies in the model's folder was at work."""
    folder = Path(sys.path[0] or ".").resolve()
    while error is not None:
        if any(folder in Path(frame.filename).parents for frame in traceback.extract_tb(error.__traceback__)):
            return True
        error = error.__cause__ or error.__context__
    # What Python cannot even compile is in no frame.
    return False


def _of_numpy_1(error: BaseException) -> str:
    """Of a package that was compiled for NumPy 1, and does not say so in its requirements; empty for any other."""
    if any(words in str(error) for words in _WANTS_NUMPY_1):
        return "A package in requirements.txt was built for NumPy 1: add a line numpy<2"
    return ""


def _missing(file: str, module: str) -> ModelError:
    package = package_of(module)
    problem = f"needs the package {package!r}, which is not installed"
    fix = f"Put a line {package} into requirements.txt"
    if package == module and module not in _LIBRARIES:
        fix += f"; or, where {module} is a module of your own, put {module}.py beside the model file"
    return ModelError(file, problem, fix)


def _lost_class(file: str, error: BaseException) -> ModelError | None:
    """A pickle names a class by its module, and that is gone: the most common reason why one does not load."""
    found = _LOST_CLASS.search(str(error)) if isinstance(error, AttributeError) else None
    if found is None:
        return None
    name, module = found.groups()
    # What was the main module where the model was saved is looked for in the main module here.
    is_script = module.endswith("__main__")
    if not is_script and module not in _own_modules():
        return None
    return of_script(file, name, "the script that saved it" if is_script else f"{module}.py")


def of_script(file: str, name: str, where: str = "the script that saved it") -> ModelError:
    """The error of a pickle that names a class which only the process that saved it had."""
    return ModelError(
        file,
        f"needs {name!r}, which was in {where} and is not there when it is loaded",
        f"Define {name} in a file beside the model, such as {name.lower()}.py, import it from there where you train, "
        "and save the model again",
    )


def _own_modules() -> set[str]:
    """Modules that lie in the model's folder, which is the first that is searched."""
    return {path.stem for path in Path(sys.path[0] or ".").glob("*.py")}
