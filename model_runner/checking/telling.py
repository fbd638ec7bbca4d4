"""What a check says of a model, in words that are fit to be shown. Pure."""

import msgspec

from model_runner.folder.manifest import TEST_FILE, Manifest
from model_runner.folder.schema_source import ModelInputs
from model_runner.plain_text import plain
from model_runner.schema.schema import InputSchema
from model_runner.serving.saved_by import MOST_NOTES
from model_runner.wire.frames import RunnerInfo

_MOST_LEFT_OUT = 10
"""Columns that are named."""


def shown(info: RunnerInfo) -> RunnerInfo:
    """What a model says about itself is its own: made fit to be shown, once and for all who will."""
    notes = tuple(plain(note, 200) for note in info.notes[:MOST_NOTES])
    return msgspec.structs.replace(info, model=plain(info.model, 200), task=plain(info.task, 60), notes=notes)


def what_was_loaded(info: RunnerInfo, inputs: ModelInputs) -> str:
    """The model, its notes, and what is left of its inputs: one line."""
    said = [info.model, *info.notes]
    if inputs.schema is None:
        said.append("NO INPUT SCHEMA, so requests are not validated: declare [features] in tidegate.toml")
    else:
        said += _left_out(inputs.schema)
    return "; ".join(said)


def what_was_tried(manifest: Manifest) -> str:
    """Whether there were test rows; empty where there were."""
    if manifest.test_file is not None:
        return ""
    if manifest.reference_file is not None:
        return f"none: there is no {TEST_FILE}"
    return f"UNTESTED: there is no {TEST_FILE} and no reference, so none of its answers was looked at"


def _left_out(schema: InputSchema) -> list[str]:
    found = [f"{plain(each.name, 80)} ({plain(each.reason, 100)})" for each in schema.left_out]
    if not found:
        return []
    more = f" and {len(found) - _MOST_LEFT_OUT} more" if len(found) > _MOST_LEFT_OUT else ""
    return [f"left out, not asked for and not watched: {', '.join(found[:_MOST_LEFT_OUT])}{more}"]
