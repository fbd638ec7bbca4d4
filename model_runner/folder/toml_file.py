"""`tidegate.toml`: what may stand in it, and errors that name the key and the fix."""

import codecs
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from model_runner.decode_errors import UNREADABLE
from model_runner.errors import ModelError
from model_runner.limits import Limits, parse_size
from model_runner.names import nearest
from model_runner.schema.dtypes import CATEGORY, is_known
from model_runner.schema.schema import Feature, Holds, Kind

TOML_FILE = "tidegate.toml"
MOST_REPLICAS = 64
"""Of any installation; the operator sets how many of his may be (maxima.py)."""
MOST_BYTES = 4_000_000
"""Of the file: ten thousand features with their categories. It is parsed outside of the sandbox, in plain Python."""
MOST_NAMES = 10_000
"""In any list of names."""
MOST_SECONDS = 31_536_000
"""A year. TOML knows infinity, and it is no time."""
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_PART}(?:\s*+\.\s*+{_PART}){{32}}")
"""`a.b.c…`: each part costs the parser as much as all those before it."""
LEAST_IDLE_S = 1.0
"""Gateways tell of requests once a second."""


Names = Annotated[list[Annotated[str, msgspec.Meta(max_length=1000)]], msgspec.Meta(max_length=MOST_NAMES)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=MOST_SECONDS)]


class FeatureTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[features.NAME]`, or `NAME = "numeric"` for short."""

    type: Kind
    categories: list[str | int | float | bool] | None = None
    nullable: bool = True
    required: bool = True
    dtype: Annotated[str, msgspec.Meta(max_length=100)] = ""
    ordered: bool = False


class ReferenceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[reference]`: which columns of the reference are no features, and how its CSV is written."""

    target: str | None = None
    timestamp: str | None = None
    ignore: Names = []
    encoding: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    separator: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] | None = None
    decimal: Literal[".", ","] | None = None


MOST_BASELINE_ROWS = 100_000
"""Of a reference that is learned; the error of a quantile is below half a percent by then."""


class DriftTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[drift]`: how this model's traffic is watched."""

    psi_threshold: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 0.2
    baseline_rows: Annotated[int, msgspec.Meta(ge=1, le=MOST_BASELINE_ROWS)] = 2000


class MaskTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[mask]`: features whose values never leave the gateway."""

    fields: Names = []


class ServingTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[serving]`: how many runners a version has, and when they may be stopped."""

    replicas: Annotated[int, msgspec.Meta(ge=1, le=MOST_REPLICAS)] = 1
    idle_seconds: Annotated[float, msgspec.Meta(ge=LEAST_IDLE_S, le=MOST_SECONDS)] | None = None


class LimitsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits]`: what the model may take."""

    memory: str | None = None
    cpus: Annotated[float, msgspec.Meta(gt=0, le=10_000)] | None = None
    load_seconds: Seconds | None = None
    predict_seconds: Seconds | None = None


class ScanTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[scan]`: what pickles of this folder may name beside the known libraries."""

    allow: Names = []


class TomlFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; everything in it is optional."""

    name: str | None = None
    workspace: str = "default"
    task: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    features: dict[str, FeatureTable | Kind] = {}
    reference: ReferenceTable = ReferenceTable()
    drift: DriftTable = DriftTable()
    mask: MaskTable = MaskTable()
    serving: ServingTable = ServingTable()
    limits: LimitsTable = LimitsTable()
    scan: ScanTable = ScanTable()
    example: dict[str, Any] | None = None


_TABLES: dict[str, type[msgspec.Struct]] = {
    "": TomlFile,
    "reference": ReferenceTable,
    "drift": DriftTable,
    "mask": MaskTable,
    "serving": ServingTable,
    "limits": LimitsTable,
    "scan": ScanTable,
}


def read_toml(folder: Path) -> TomlFile:
    """The folder's `tidegate.toml`; all defaults where there is none.

    Raises:
        ModelError: it is no TOML, or has a key or a value that is not known.
    """
    path = folder / TOML_FILE
    if not path.exists():
        return TomlFile()
    size = path.stat().st_size
    if size > MOST_BYTES:
        problem = f"has {size} bytes; the most is {MOST_BYTES}"
        raise ModelError(TOML_FILE, problem, "Leave out categories that need not be checked")
    try:
        text = path.read_text("utf-8-sig")  # editors on Windows begin it with a mark
        if _LONG_KEY.search(text):
            raise ModelError(TOML_FILE, "has a key of more than 32 parts", "Write shorter keys")
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Also numbers of thousands of digits, and brackets within brackets.
        raise ModelError(TOML_FILE, f"is not TOML: {error}", "Correct that line") from error
    _refuse_unknown_keys(raw)
    _refuse_bad_features(raw.get("features", {}))
    try:
        return msgspec.convert(raw, TomlFile)
    except UNREADABLE as error:
        raise ModelError(TOML_FILE, str(error), "Correct that value") from error


def features_of(file: TomlFile) -> tuple[Feature, ...] | None:
    """The features that the file declares, in its order; None where it declares none."""
    if not file.features:
        return None
    return tuple(_feature(name, table) for name, table in file.features.items())


def limits_of(file: TomlFile) -> Limits:
    """What the model may take.

    Raises:
        ModelError: the memory is no size.
    """
    table = file.limits
    try:
        memory = Limits.memory_bytes if table.memory is None else parse_size(table.memory)
    except ValueError as error:
        raise ModelError(TOML_FILE, f"[limits] memory {error}", "Correct that value") from error
    return Limits(memory, table.cpus, table.load_seconds, table.predict_seconds)


def _feature(name: str, table: FeatureTable | Kind) -> Feature:
    if isinstance(table, Kind):
        return Feature(name=name, kind=table)
    categories = None if table.categories is None else tuple(table.categories)
    return Feature(
        name=name,
        kind=table.type,
        nullable=table.nullable,
        required=table.required,
        holds=_holds(categories),
        categories=categories,
        dtype=_dtype(name, table),
        ordered=table.ordered,
    )


def _dtype(name: str, table: FeatureTable) -> str:
    if not table.dtype:
        return ""
    if not is_known(table.dtype):
        fix = "Write it as pandas does: int64, float32, bool, str, object, category, datetime64[ns]"
        raise ModelError(TOML_FILE, f"[features] {name}: no dtype is called {table.dtype!r}", fix)
    if table.dtype == CATEGORY and table.categories is None:
        fix = "List its categories in their order: categories = [...]"
        raise ModelError(TOML_FILE, f"[features] {name}: a column of dtype category needs its categories", fix)
    return table.dtype


def _holds(categories: tuple[str | int | float | bool, ...] | None) -> Holds:
    if categories and all(isinstance(category, str) for category in categories):
        return Holds.STRING
    return Holds.ANY


def encoding_of(file: TomlFile) -> str | None:
    """The encoding of the reference, as Python calls it; None where the file names none.

    Raises:
        ModelError: there is no such encoding.
    """
    named = file.reference.encoding
    try:
        "a".encode(named or "utf-8")  # some codecs are none of text
        return None if named is None else codecs.lookup(named).name
    except (LookupError, ValueError) as error:
        fix = 'Write it as Python does, for example encoding = "latin-1"'
        raise ModelError(TOML_FILE, f"[reference] no encoding is called {named!r}", fix) from error


def _refuse_bad_features(features: object) -> None:
    """One by one, so that the error can name the feature."""
    for name, table in features.items() if isinstance(features, dict) else ():
        try:
            msgspec.convert(table, FeatureTable | Kind)
        except UNREADABLE as error:
            fix = f'Declare it as one of {", ".join(Kind)}, or as {{ type = "categorical", categories = [...] }}'
            raise ModelError(TOML_FILE, f"[features] {name}: {error}", fix) from error


def _refuse_unknown_keys(raw: dict[str, Any]) -> None:
    for table, struct in _TABLES.items():
        found = raw.get(table, {}) if table else raw
        known = [field.name for field in msgspec.structs.fields(struct)]
        for key in found if isinstance(found, dict) else ():
            if key not in known:
                where = f"[{table}] {key}" if table else key
                meant = nearest(key, known, most=1)
                fix = f"Did you mean {meant[0]!r}?" if meant else f"Known here: {', '.join(known)}"
                raise ModelError(TOML_FILE, f"unknown key {where!r}", fix)
