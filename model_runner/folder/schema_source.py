"""Where a model's input schema and example come from: tidegate.toml, the reference, the test rows, or the model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from model_runner.decode_errors import UNREADABLE
from model_runner.errors import ModelError
from model_runner.folder.manifest import Manifest
from model_runner.folder.reference import Reference, features_of_rows, read_reference
from model_runner.folder.settling import Hints, as_settled, as_text, settled, text_names
from model_runner.folder.test_rows import TestRows, read_test_rows
from model_runner.folder.toml_file import TOML_FILE
from model_runner.model import LoadedModel
from model_runner.schema import schema as schema_codec
from model_runner.schema.fitted import NOTHING, Remembers
from model_runner.schema.manner import Manner
from model_runner.schema.schema import Feature, InputSchema, LeftOut

SEAL_FILE = ".tidegate-inputs.json"
"""Written beside the model once it was checked, so that a runner need not read the reference again."""


class ModelInputs(msgspec.Struct, frozen=True):
    """What a model wants, and one real instance of it."""

    schema: InputSchema | None
    example: dict[str, Any] | None
    example_file: str = ""
    """Which file the example is from."""
    manner: Manner | None = None
    """How the model is asked; None before that was settled."""
    hints: Hints = Hints()
    """What the files show besides, until the model was asked."""


def inputs_of(manifest: Manifest, model: LoadedModel) -> ModelInputs:
    """The sealed inputs where the folder has them, else what its files say.

    Raises:
        ModelError: one of the files cannot be read.
    """
    found = _read_sealed(manifest.folder / SEAL_FILE) if is_sealed(manifest) else find_inputs(manifest, model)
    return _settled(manifest, found, model)


def _read_sealed(path: Path) -> ModelInputs:
    try:
        return msgspec.json.decode(path.read_bytes(), type=ModelInputs)
    except UNREADABLE as error:
        raise ModelError(path.name, f"is damaged: {error}", "Deploy the model again") from error


def _settled(manifest: Manifest, inputs: ModelInputs, model: LoadedModel) -> ModelInputs:
    """With what the model knows, which whoever read the files did not. Settled inputs stay as they are."""
    if inputs.schema is None:
        return inputs
    fitted = model.fitted() if isinstance(model, Remembers) else NOTHING
    try:
        schema = settled(inputs.schema, fitted, inputs.hints, is_declared=manifest.features is not None)
    except ValueError as error:
        raise ModelError(inputs.schema.source, str(error), "Make the schema and the fitted model agree") from error
    example = inputs.example
    if example is not None and inputs.example_file != TOML_FILE:
        example = as_settled([example], schema)[0]
    if example is not None and manifest.reference_file and inputs.example_file == manifest.reference_file.name:
        texts = text_names(schema)
        example = {name: as_text(value) if name in texts else value for name, value in example.items()}
    return replace(inputs, schema=schema, example=example, hints=Hints())


def is_sealed(manifest: Manifest) -> bool:
    """Whether the folder was checked, or its files at least."""
    return (manifest.folder / SEAL_FILE).is_file()


def find_inputs(manifest: Manifest, model: LoadedModel | None) -> ModelInputs:
    """The schema by the first source that has one; the example by the first that has a row.

    Parses what a stranger wrote: only in a sandbox. Without a model only the files are asked.

    Raises:
        ModelError: one of the files cannot be read.
    """
    return inputs_from(manifest, read_test_rows(manifest), read_reference(manifest), model)


def inputs_from(
    manifest: Manifest, test: TestRows | None, reference: Reference | None, model: LoadedModel | None
) -> ModelInputs:
    """The same, where the files were read before."""
    examples = (
        (TOML_FILE, manifest.example),
        (manifest.test_file.name if manifest.test_file else "", test.rows[0] if test else None),
        (reference.file if reference else "", reference.rows(0, 1)[0] if reference else None),
    )
    example_file, example = next(((file, row) for file, row in examples if row is not None), ("", None))
    own = None if model is None else model.own_features()
    of_reference = reference.features if reference else ()
    of_rows = features_of_rows(test.rows) if test else None
    sources = (
        (TOML_FILE, _with_types(manifest.features or (), of_reference, of_rows or ())),
        (reference.file if reference else "", of_reference),
        (manifest.test_file.name if manifest.test_file else "", of_rows),
        ("model", own),
    )
    found = next(((source, features) for source, features in sources if features), None)
    if found is None:
        return ModelInputs(None, example, example_file)
    left_out = _undeclared(manifest.features, of_reference)
    schema = InputSchema(features=found[1], source=found[0], left_out=left_out)
    hints = Hints() if reference is None or manifest.features else _shown(reference)
    return ModelInputs(schema, example, example_file, hints=hints)


def _shown(reference: Reference) -> Hints:
    return Hints(reference.indexes, reference.few_values(), reference.unusable)


def _undeclared(declared: Sequence[Feature] | None, of_reference: Sequence[Feature]) -> tuple[LeftOut, ...]:
    known = {feature.name for feature in declared or ()}
    beside = [feature.name for feature in of_reference if declared and feature.name not in known]
    return tuple(LeftOut(name, f"[features] in {TOML_FILE} does not name it") for name in beside)


def _with_types(
    declared: Sequence[Feature], of_reference: Sequence[Feature], of_rows: Sequence[Feature]
) -> tuple[Feature, ...]:
    """What is declared, each with the type that its column has in the reference, or else in the test rows."""
    found = {feature.name: feature for feature in (*of_rows, *of_reference)}

    def typed(feature: Feature) -> Feature:
        other = found.get(feature.name)
        if feature.dtype or other is None or other.kind is not feature.kind:
            return feature
        return replace(feature, dtype=other.dtype, categories=other.categories or feature.categories)

    return tuple(map(typed, declared))


def seal_inputs(folder: Path, inputs: ModelInputs) -> None:
    """Keep checked inputs beside the model."""
    (folder / SEAL_FILE).write_bytes(msgspec.json.encode(inputs))


def schema_text(inputs: ModelInputs) -> str | None:
    """The schema as the registry keeps it."""
    return None if inputs.schema is None else schema_codec.encode(inputs.schema)
