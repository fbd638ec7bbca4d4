"""load → warm: a model folder as a function that predicts, with the time of each stage."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model_runner.errors import ModelError
from model_runner.fitting import refuse_misfits
from model_runner.formats import LoadedModel, Predict, load
from model_runner.manifest import Manifest, read_manifest
from model_runner.schema_source import Inputs, inputs_of

_TAIL_LINES = 12


@dataclass(frozen=True)
class ServingModel:
    """A model that has answered at least once, where there was a row to ask."""

    model: LoadedModel
    predict: Predict
    inputs: Inputs
    load_ms: float
    warm_ms: float


def load_and_warm(folder: Path, clock: Callable[[], float]) -> ServingModel:
    """Load the folder's model and let it predict its example.

    Raises:
        ModelError: which file is at fault and the fix.
    """
    began = clock()
    manifest = read_manifest(folder, name="model")
    # A model's own modules may lie beside it.
    sys.path.insert(0, str(folder.resolve()))
    model = _load(manifest)
    inputs = inputs_of(manifest, model)
    predict = _bind(manifest, model, inputs)
    loaded = clock()
    if inputs.example is not None:
        refuse_misfits(inputs.example_file, inputs.schema, [inputs.example])
        _warm(manifest, predict, inputs)
    return ServingModel(model, predict, inputs, (loaded - began) * 1000, (clock() - loaded) * 1000)


def _load(manifest: Manifest) -> LoadedModel:
    file = manifest.model_file.name
    try:
        return load(manifest.model_file)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        fix = f"Add the package that provides {package!r} to requirements.txt, or save a model that does not need it"
        raise ModelError(file, f"needs the package {package!r}, which is not installed", fix) from error
    except TypeError as error:
        if "predict()" not in str(error):
            raise _broken(file, error) from error
        raise ModelError(file, str(error), "Then deploy again") from error
    except BaseException as error:  # a model's code may raise anything
        raise _broken(file, error) from error


def _broken(file: str, error: BaseException) -> ModelError:
    tail = "".join(traceback.format_exception(error)).strip().splitlines()[-_TAIL_LINES:]
    trace = "\n".join(tail)
    return ModelError(
        file,
        f"cannot be loaded: {type(error).__name__}: {error}",
        f"Load it once with the same package versions and save it again.\n{trace}",
    )


def _bind(manifest: Manifest, model: LoadedModel, inputs: Inputs) -> Predict:
    try:
        return model.bind(inputs.schema)
    except ValueError as error:
        source = inputs.schema.source if inputs.schema else manifest.model_file.name
        raise ModelError(source, str(error), "Make the schema and the fitted model agree") from error


def _warm(manifest: Manifest, predict: Predict, inputs: Inputs) -> None:
    try:
        predict([inputs.example or {}])
    except BaseException as error:
        broken = _broken(manifest.model_file.name, error)
        raise ModelError(
            manifest.model_file.name,
            f"cannot predict its example: {type(error).__name__}: {error}",
            f"The example was {inputs.example}. Correct the example, or the model's inputs.\n{broken.fix}",
        ) from error
