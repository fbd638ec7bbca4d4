"""load → warm: a model folder as a function that predicts, with the time of each stage."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model_runner.blaming import blamed, broken
from model_runner.errors import ModelError
from model_runner.fitting import refuse_misfits
from model_runner.formats import LoadedModel, Predict, load
from model_runner.formats.predict_py import load_with
from model_runner.limits import over_memory
from model_runner.manifest import Manifest, read_manifest
from model_runner.refused import explaining, is_out_of_memory
from model_runner.schema_source import Inputs, inputs_of


@dataclass(frozen=True)
class ServingModel:
    """A model that has answered at least once, where there was a row to ask."""

    model: LoadedModel
    predict: Predict
    inputs: Inputs
    task: str
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
    model = _within_memory(manifest)
    inputs = inputs_of(manifest, model)
    predict = explaining(_bind(manifest, model, inputs), manifest.limits)
    loaded = clock()
    if inputs.example is not None:
        refuse_misfits(inputs.example_file, inputs.schema, [inputs.example])
        _warm(manifest, predict, inputs)
    task = manifest.task or model.task
    return ServingModel(model, predict, inputs, task, (loaded - began) * 1000, (clock() - loaded) * 1000)


def _within_memory(manifest: Manifest) -> LoadedModel:
    try:
        return _load(manifest)
    except (ModelError, MemoryError) as error:
        if is_out_of_memory(error):
            raise over_memory(_file(manifest), manifest.limits, "was loaded") from error
        raise


def _load(manifest: Manifest) -> LoadedModel:
    if manifest.predict_file is not None:
        beside = manifest.model_file if manifest.model_file != manifest.predict_file else None
        return load_with(manifest.predict_file, beside)
    with blamed(manifest.model_file.name):
        return load(manifest.model_file)


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
        file = _file(manifest)
        if is_out_of_memory(error):
            raise over_memory(file, manifest.limits, "predicted its example") from error
        fix = f"The example was {inputs.example}. Correct the example, or the model's inputs"
        raise broken(file, "cannot predict its example", error, fix) from error


def _file(manifest: Manifest) -> str:
    """That whose code is to blame."""
    return (manifest.predict_file or manifest.model_file).name
