"""Predictions beside the columns that they were made of, as CSV or Parquet."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tidegate.cli.exits import CliError, Exit
from tidegate.cli.rows.rows import Row, Rows

NAME = "prediction"
_KINDS = (".csv", ".parquet")


def check_target(target: str, source: str, columns: Sequence[str]) -> None:
    """Before anything is asked. Raises CliError where it could not be written."""
    path = Path(target)
    if path.suffix not in _KINDS:
        raise CliError(f"{target}: predictions are written as .csv or .parquet.", Exit.USAGE)
    if source != "-" and path.absolute() == Path(source).absolute():
        raise CliError(f"{target} is the file with the rows: name another one.", Exit.USAGE)
    if not path.absolute().parent.is_dir():
        raise CliError(f"There is no folder {path.absolute().parent}.", Exit.USAGE)
    taken = next((name for name in columns if name == NAME or name.startswith(f"{NAME}.")), None)
    if taken is not None:
        raise CliError(f"{source} has a column {taken!r}, as the predictions are to be called: rename it.", Exit.USAGE)
    if path.suffix == ".parquet":
        _parquet()


def write_predictions(target: str, rows: Rows, predictions: Sequence[Any]) -> None:
    """The file is whole, or as it was before.

    Raises:
        CliError: it cannot be written.
    """
    path = Path(target)
    part = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == ".csv":
            _write_csv(part, rows, predictions)
        else:
            _write_parquet(part, rows, predictions)
        part.replace(path)
    except OSError as error:
        raise CliError(f"{target} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def flat(predictions: Sequence[Any]) -> list[dict[str, Any]]:
    """Objects and lists one level deep, as series are called: `prediction.class`, `prediction.0`."""
    return [dict(_parts(prediction)) for prediction in predictions]


def _parts(prediction: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(prediction, dict) and prediction:
        yield from ((f"{NAME}.{name}", value) for name, value in prediction.items())
    elif isinstance(prediction, list) and prediction:
        yield from ((f"{NAME}.{at}", value) for at, value in enumerate(prediction))
    else:
        yield NAME, prediction


def _table(rows: Rows, predictions: Sequence[Any]) -> tuple[list[str], Iterator[dict[str, Any]]]:
    flattened = flat(predictions)
    names = [*rows.columns, *dict.fromkeys(name for each in flattened for name in each)]
    merged = ({**_values(row), **each} for row, each in zip(rows.read(), flattened, strict=True))
    return names, merged


def _values(row: Row) -> dict[str, Any]:
    return {**(row.instance if isinstance(row.instance, dict) else {}), **row.beside}


def _write_csv(path: Path, rows: Rows, predictions: Sequence[Any]) -> None:
    names, merged = _table(rows, predictions)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_cell(row.get(name)) for name in names] for row in merged)


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def _write_parquet(path: Path, rows: Rows, predictions: Sequence[Any]) -> None:
    arrow, parquet = _parquet()
    names, merged = _table(rows, predictions)
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for row in merged:
        for name, values in columns.items():
            values.append(row.get(name))
    parquet.write_table(arrow.table({name: _array(arrow, values) for name, values in columns.items()}), path)


def _array(arrow: Any, values: list[Any]) -> Any:
    """Of one type; as JSON text where the values are of several."""
    try:
        return arrow.array(values)
    except (arrow.ArrowException, OverflowError):
        texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
        return arrow.array(texts, arrow.string())


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow as arrow  # noqa: PLC0415 - only who has Parquet needs it
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise CliError("Parquet needs pyarrow: `pip install 'tidegate[sklearn]'`, or use CSV.") from None
    return arrow, parquet
