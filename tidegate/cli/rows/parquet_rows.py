"""Rows of a Parquet file, which says itself what its columns are."""

import io
import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tidegate.cli.exits import CliError, Exit
from tidegate.cli.rows.rows import Row, Rows, Wanted, listed

_ROWS = 1000


def parquet_rows(raw: bytes, name: str, wanted: Wanted) -> Rows:
    """
    Raises:
        CliError: it is none, a feature is not in it, or Arrow is not installed.
    """
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - only who has Parquet needs it
    except ImportError:
        raise CliError("Parquet needs pyarrow: `pip install 'tidegate[sklearn]'`, or use CSV.") from None
    try:
        table = parquet.read_table(io.BytesIO(raw))
        columns = list(table.column_names)
    except (ArrowException, OSError, ValueError) as error:
        raise CliError(f"{name} cannot be read: {error}", Exit.REFUSED) from error
    left_out = wanted.left_out(columns, name)
    apart = set(left_out)

    def read() -> Iterator[Row]:
        number = 0
        for batch in table.to_batches(max_chunksize=_ROWS):
            for values in batch.to_pylist():
                number += 1
                row = {column: _json(value) for column, value in values.items()}
                instance = {column: value for column, value in row.items() if column not in apart}
                yield Row(f"row {number:,}", instance, {column: row[column] for column in left_out})

    notes = [f"not sent, as the model has no such features: {listed(left_out)}"] if left_out else []
    return Rows(table.num_rows, read, columns, notes)


def _json(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, datetime | date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
