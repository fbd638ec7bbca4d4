"""What a model folder holds: the model file, and all that `tidegate.toml` and the files beside it say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_runner.errors import ModelError
from model_runner.folder.lfs_pointers import refuse_pointer
from model_runner.folder.model_file import PREDICT_FILE, find_model_file
from model_runner.folder.toml_file import TOML_FILE, encoding_of, features_of, limits_of, read_toml
from model_runner.limits import Limits
from model_runner.names import NAME_RULE, is_valid_name, suggested_name
from model_runner.schema.schema import Feature

TEST_FILE = "test_data.json"
REFERENCE_FILES = ("reference.parquet", "reference.csv", "reference.csv.gz")


@dataclass(frozen=True)
class CsvDialect:
    """How the reference is written, as far as tidegate.toml says."""

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None


@dataclass(frozen=True)
class Manifest:
    """A model folder, read but not loaded."""

    folder: Path
    name: str
    workspace: str
    task: str | None
    model_file: Path
    """What is served: the model file, or `predict.py` where there is none."""
    predict_file: Path | None
    """`predict.py`, where there is one."""
    features: tuple[Feature, ...] | None
    """Declared in tidegate.toml; None where it declares none."""
    reference_file: Path | None
    reference_target: str | None
    reference_timestamp: str | None
    """The column with the rows' times; None where the hour of day is not to matter."""
    reference_ignore: tuple[str, ...]
    reference_csv: CsvDialect
    test_file: Path | None
    psi_threshold: float
    baseline_rows: int
    mask: tuple[str, ...]
    """Features whose values never leave the gateway."""
    example: dict[str, Any] | None
    replicas: int
    idle_seconds: float | None
    """Without a request for so long its runners are stopped; None never stops them."""
    limits: Limits
    scan_allow: tuple[str, ...]
    """What its pickles may name beside the known libraries."""


def read_manifest(folder: Path, name: str | None = None) -> Manifest:
    """Read a model folder.

    Args:
        folder: where the model file is.
        name: the model's name where tidegate.toml has none; by default the folder's.

    Raises:
        ModelError: what is missing or wrong, in which file, and the fix.
    """
    if not folder.is_dir():
        raise ModelError(str(folder), "is not a folder", "Name the folder that holds the model file")
    toml = read_toml(folder)
    manifest = Manifest(
        folder=folder,
        name=_checked_name("name", toml.name or name or suggested_name(folder.resolve().name)),
        workspace=_checked_name("workspace", toml.workspace),
        task=toml.task,
        model_file=find_model_file(folder),
        predict_file=_first(folder, (PREDICT_FILE,)),
        features=features_of(toml),
        reference_file=_first(folder, REFERENCE_FILES),
        reference_target=toml.reference.target,
        reference_timestamp=toml.reference.timestamp,
        reference_ignore=tuple(toml.reference.ignore),
        reference_csv=CsvDialect(encoding_of(toml), toml.reference.separator, toml.reference.decimal),
        test_file=_first(folder, (TEST_FILE,)),
        psi_threshold=toml.drift.psi_threshold,
        baseline_rows=toml.drift.baseline_rows,
        mask=tuple(toml.mask.fields),
        example=toml.example,
        replicas=toml.serving.replicas,
        idle_seconds=toml.serving.idle_seconds,
        limits=limits_of(toml),
        scan_allow=tuple(toml.scan.allow),
    )
    for path in (manifest.model_file, manifest.reference_file, manifest.test_file):
        if path is not None:
            refuse_pointer(path)
    return manifest


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _checked_name(key: str, name: str) -> str:
    if is_valid_name(name):
        return name
    fix = f'Use {NAME_RULE}, for example {key} = "{suggested_name(name)}"'
    raise ModelError(TOML_FILE, f"{key} {name!r} cannot be used", fix)
