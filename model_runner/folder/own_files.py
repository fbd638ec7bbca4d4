"""What a model folder's data files say, as plain values: read in the sandbox, handed to whoever checks the folder.

`python -m model_runner.folder.own_files --folder FOLDER` reads and writes them to its standard output. A few kilobytes
of Parquet, or of brackets, can take all memory there is, and the libraries that parse them are large: so they are
parsed under the model's own limits, before any code of the model runs, and nobody else does.
"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec.structs import replace

from model_runner.decode_errors import UNREADABLE
from model_runner.errors import ModelError
from model_runner.explaining.raised import as_model_error, in_words
from model_runner.explaining.report import write_error
from model_runner.explaining.sandbox_errors import is_out_of_memory
from model_runner.folder.manifest import Manifest, read_manifest
from model_runner.folder.reference import Reference, read_reference
from model_runner.folder.schema_source import ModelInputs, inputs_from
from model_runner.folder.test_rows import TestRows, read_test_rows
from model_runner.folder.unwieldy import refuse_unwieldy
from model_runner.limits import Limits
from model_runner.schema.large_integers import packable, restored

EXIT_MODEL_ERROR = 3
MOST_BYTES = 256_000_000
"""Of all values together, packed."""
MOST_TEST_BYTES = 16_000_000


class OwnFiles(msgspec.Struct, frozen=True):
    test: TestRows | None
    reference: Reference | None
    inputs: ModelInputs
    """As far as the files say; the model may say more."""


def read_own_files(manifest: Manifest) -> OwnFiles:
    """Parses what a stranger wrote: only in a sandbox.

    Raises:
        ModelError: a file cannot be read, or holds too much.
    """
    file = manifest.test_file.name if manifest.test_file else "test_data.json"
    try:
        test = read_test_rows(manifest)
        if test is not None:
            left = MOST_TEST_BYTES - refuse_unwieldy(file, "its rows", [test.rows], MOST_TEST_BYTES)
            refuse_unwieldy(file, "the answers that it expects", [test.expected], left, is_answer=True)
        file = manifest.reference_file.name if manifest.reference_file else "reference"
        reference = read_reference(manifest)
    except MemoryError:
        raise over_memory_reading(file, manifest.limits) from None
    except ModelError as error:
        if is_out_of_memory(error):
            raise over_memory_reading(file, manifest.limits) from None
        raise
    except Exception as error:  # a parser of somebody else's format may raise anything
        raise ModelError(file, f"cannot be read: {in_words(error)}", "Save it again") from error
    return OwnFiles(test, reference, inputs_from(manifest, test, reference, None))


def over_memory_reading(file: str, limits: Limits) -> ModelError:
    fix = "Take fewer rows, or raise [limits] memory in tidegate.toml"
    return ModelError(file, f"takes more than {limits.memory} to be read", fix)


def packed(files: OwnFiles) -> bytes:
    """Raises ModelError: they are too large, or hold what cannot be handed on."""
    source = files.reference.file if files.reference is not None else "test_data.json"
    try:
        found = msgspec.msgpack.encode(replace(files, test=files.test and _handed_on(files.test)))
    except OverflowError as error:
        raise ModelError(source, "holds a whole number of more than 64 bits", "Write it as text") from error
    if len(found) > MOST_BYTES:
        problem = f"its values have more than {MOST_BYTES:,} bytes"
        raise ModelError(source, problem, "Take fewer rows: 100,000 are plenty for a reference")
    return found


def _handed_on(test: TestRows) -> TestRows:
    return dataclasses.replace(test, expected=packable(test.expected))


def unpacked(content: bytes) -> OwnFiles:
    """Raises ModelError: this is not what `packed` made."""
    try:
        found = msgspec.msgpack.decode(content, type=OwnFiles, ext_hook=restored)
    except UNREADABLE as error:
        raise ModelError("model", f"its data files were not read: {error}", "Deploy it again") from error
    reference = found.reference
    if reference is not None:
        lengths = {len(column) for column in (*reference.columns.values(), reference.times or ()) if column}
        if {feature.name for feature in reference.features} != set(reference.columns) or len(lengths) != 1:
            raise ModelError(reference.file, "was not read whole", "Deploy it again")
    return found


def _own_stdout() -> BinaryIO:
    """The values have the pipe to themselves: whatever else prints, prints into the log."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


class _WithoutPandas(MetaPathFinder):
    """Arrow imports it where it is there, to know its types: a third of a second. A CSV has none of them."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> None:  # noqa: ARG002
        if fullname == "pandas":
            raise ModuleNotFoundError("a CSV is read without it", name=fullname)


def main() -> int:
    """0 when the values are written; 3 when a file is at fault, with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m model_runner.folder.own_files", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder that holds the model file")
    folder = parser.parse_args().folder
    with _own_stdout() as out:
        try:
            manifest = read_manifest(folder, name="model")
            if manifest.reference_file is None or manifest.reference_file.suffix != ".parquet":
                sys.meta_path.insert(0, _WithoutPandas())
            try:
                out.write(packed(read_own_files(manifest)))
            except MemoryError:
                raise over_memory_reading("reference", manifest.limits) from None
        except ModelError as error:
            write_error(error)
            return EXIT_MODEL_ERROR
        except Exception as error:  # nobody could do anything with a traceback
            write_error(as_model_error("reference", "was read", error))
            return EXIT_MODEL_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
