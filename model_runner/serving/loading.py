"""load → warm: a model folder as a function that predicts, with the time of each stage."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from model_runner.errors import ModelError
from model_runner.explaining.load_errors import broken, load_errors_of
from model_runner.explaining.sandbox_errors import explaining, is_out_of_memory
from model_runner.folder.manifest import TEST_FILE, Manifest, read_manifest
from model_runner.folder.schema_source import ModelInputs, inputs_of, is_sealed
from model_runner.formats import load
from model_runner.formats.predict_py import ScriptModel, load_with
from model_runner.limits import over_memory
from model_runner.model import LoadedModel, Predict, Row, Settles
from model_runner.schema.fitting import refuse_misfits
from model_runner.schema.made_up import is_proof, more_made_up
from model_runner.schema.manner import Manner
from model_runner.schema.order import is_known
from model_runner.schema.schema import InputSchema
from model_runner.serving.apart import apart
from model_runner.serving.missing_values import blaming_missing
from model_runner.serving.own_answers import OwnAnswers
from model_runner.serving.own_frames import OwnFrames
from model_runner.serving.saved_by import heard
from model_runner.wire.frames import Reply, encode_frame


@dataclass(frozen=True)
class ServingModel:
    """A model that has answered at least once, where there was a row to ask."""

    model: LoadedModel
    predict: Predict
    inputs: ModelInputs
    own: OwnAnswers
    task: str
    load_ms: float
    warm_ms: float
    notes: tuple[str, ...] = ()
    """What is to be said of the file that was loaded, to people."""


def load_and_warm(folder: Path, clock: Callable[[], float]) -> ServingModel:
    """Load the folder's model and let it predict its example.

    Raises:
        ModelError: which file is at fault and the fix.
    """
    began = clock()
    manifest = read_manifest(folder, name="model")
    # A model's own modules may lie beside it.
    sys.path.insert(0, str(folder.resolve()))
    with heard(manifest.model_file) as notes:
        model = _within_memory(manifest)
    inputs = inputs_of(manifest, model)
    if inputs.example is not None:
        refuse_misfits(inputs.example_file, inputs.schema, [inputs.example])
    trial = _trial(manifest, inputs)
    if inputs.manner is None:
        inputs = msgspec.structs.replace(inputs, manner=_settled(model, inputs.schema, trial))
    predict = _bound(manifest, model, inputs)
    inputs = _with_order(inputs, model)
    loaded = clock()
    _warm(predict, trial)
    own = OwnAnswers(model, predict, OwnFrames(manifest.reference_file, inputs.schema), inputs)
    task = manifest.task or model.task
    times = (loaded - began) * 1000, (clock() - loaded) * 1000
    return ServingModel(model, predict, inputs, own, task, *times, notes=(*own.notes, *notes))


def served_in(serving: ServingModel, folder: Path, manner: Manner) -> ServingModel:
    """The same model, asked in this manner, as if it had been loaded with it. Raises ModelError."""
    manifest = read_manifest(folder, name="model")
    inputs = msgspec.structs.replace(serving.inputs, manner=manner)
    predict = _bound(manifest, serving.model, inputs)
    return replace(serving, predict=predict, inputs=_with_order(inputs, serving.model))


def _bound(manifest: Manifest, model: LoadedModel, inputs: ModelInputs) -> Predict:
    bound = blaming_missing(_bind(manifest, model, inputs), inputs.schema, inputs.example)
    return explaining(bound, manifest.limits)


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
    with load_errors_of(manifest.model_file.name):
        return load(manifest.model_file)


@dataclass(frozen=True)
class _Trial:
    """Rows that a model has to answer one of, before anybody asks it."""

    manifest: Manifest
    rows: list[Row]
    is_made_up: bool = False

    def failed(self, error: BaseException) -> ModelError:
        file = _file(self.manifest)
        if is_out_of_memory(error):
            return over_memory(file, self.manifest.limits, "predicted its example")
        if not self.is_made_up:
            fix = f"The example was {self.rows[0]}. Correct the example, or the model's inputs"
            return broken(file, "cannot predict its example", error, fix)
        fix = f"It was tried with rows such as {self.rows[-1]}, as the folder has none. Put a real one into {TEST_FILE}"
        return broken(file, "answers no row at all", error, fix)


def _trial(manifest: Manifest, inputs: ModelInputs) -> _Trial:
    """Its example; where there is none what was made up, unless it was checked before."""
    if inputs.example is not None:
        return _Trial(manifest, [inputs.example])
    if inputs.schema is None or is_sealed(manifest) or not is_proof(inputs.schema):
        return _Trial(manifest, [])
    return _Trial(manifest, list(more_made_up(inputs.schema)), is_made_up=True)


def _settled(model: LoadedModel, schema: InputSchema | None, trial: _Trial) -> Manner:
    """How the model is to be asked."""
    if not isinstance(model, Settles) or not trial.rows:
        return Manner()
    with _to_agree(trial.manifest, schema):
        model.bind(schema)  # what it says of the schema is not said of a row
    return _first_that_goes(trial, lambda row: model.settle(schema, [row])) or Manner()


def _with_order(inputs: ModelInputs, model: LoadedModel) -> ModelInputs:
    """With what is known of the order of the features. What a row is decides a predict.py: it names no order."""
    if inputs.schema is None or isinstance(model, ScriptModel):
        return inputs
    features = model.own_features()
    own = None if features is None else [feature.name for feature in features]
    positional = is_known(inputs.schema.names, own, inputs.manner or Manner())
    return msgspec.structs.replace(inputs, schema=msgspec.structs.replace(inputs.schema, positional=positional))


T = TypeVar("T")


def _first_that_goes(trial: _Trial, tried: Callable[[Row], T]) -> T | None:
    """What it gives for the first row that does not fail; None without rows.

    Raises:
        ModelError: all of them fail.
    """
    first: BaseException | None = None
    for row in trial.rows:
        try:
            return tried(row)
        except BaseException as error:
            first = first or error
    if first is not None:
        raise trial.failed(first) from first
    return None


def _bind(manifest: Manifest, model: LoadedModel, inputs: ModelInputs) -> Predict:
    with _to_agree(manifest, inputs.schema):
        if isinstance(model, Settles):
            return apart(model.bind_as(inputs.schema, inputs.manner or Manner()), inputs.schema)
        return apart(model.bind(inputs.schema), inputs.schema)


@contextmanager
def _to_agree(manifest: Manifest, schema: InputSchema | None) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        source = schema.source if schema else manifest.model_file.name
        raise ModelError(source, str(error), "Make the schema and the fitted model agree") from error


def _warm(predict: Predict, trial: _Trial) -> None:
    """Raises ModelError: none of the rows is answered, or what is answered cannot be sent."""
    _first_that_goes(trial, lambda row: encode_frame(Reply(0, predictions=predict([row]))))


def _file(manifest: Manifest) -> str:
    """That whose code is to blame."""
    return (manifest.predict_file or manifest.model_file).name
