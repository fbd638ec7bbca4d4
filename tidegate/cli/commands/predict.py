"""`tidegate predict`: the rows of a file through the gateway."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tidegate.cli.context import load_settings, warn
from tidegate.cli.output import console, print_json, print_table
from tidegate.cli.rows.asking import Asking, bodies
from tidegate.cli.rows.named_files import read_named
from tidegate.cli.rows.predictions_file import check_target, write_predictions
from tidegate.cli.rows.rows import Rows, read_rows
from tidegate.settings import Settings

SHOWN = 50
"""Rows of the table; `--json` and `--to` have all."""
_SHOWN_COLUMNS = 8


def predict(model: str, file: str, *, to: str | None, as_json: bool) -> None:
    settings = load_settings()
    raw = _read(file)
    asking = Asking(settings, model)
    try:
        rows = read_rows(raw, file, asking.wanted())
        for note in rows.notes:
            warn(f"{file}: {note}")
        if to is not None:
            check_target(to, file, rows.columns)
        answers = _ask(asking, rows, settings)
    finally:
        asking.close()
    predictions = [prediction for answer in answers for prediction in answer["predictions"]]
    versions = sorted({answer["version"] for answer in answers})
    if to is not None:
        write_predictions(to, rows, predictions)
    if as_json:
        print_json({**answers[0], "predictions": predictions, **({"versions": versions} if len(versions) > 1 else {})})
    elif to is not None:
        console().print(f"{len(predictions):,} predictions of {_title(model, versions)} are in {to}")
    else:
        _show(rows, predictions, _title(model, versions))


def _read(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else read_named(Path(file))


def _ask(asking: Asking, rows: Rows, settings: Settings) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    with _progress(rows.count) as done:
        for body in bodies(rows.read(), settings.max_request_bytes, settings.max_instances):
            for answer in asking.predict(body):
                answers.append(answer)
                done(len(answer["predictions"]))
    return answers


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """On a terminal alone, and beside what is shown."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    from tidegate.cli.calm_console import CalmConsole  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=CalmConsole(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda rows: bar.advance(task, rows)


def _title(model: str, versions: Sequence[Any]) -> str:
    return f"{model} version{'s' if len(versions) > 1 else ''} {', '.join(map(str, versions))}"


def _show(rows: Rows, predictions: Sequence[Any], title: str) -> None:
    names = list(rows.columns)[:_SHOWN_COLUMNS]
    shown = zip(rows.read(), predictions[:SHOWN], strict=False)
    table = [_cells(row.instance, row.beside, names, prediction) for row, prediction in shown]
    print_table([*names, "prediction"], table, title=title)
    if len(rows.columns) > len(names):
        console().print(f"… and {len(rows.columns) - len(names):,} more columns", style="dim")
    if len(predictions) > SHOWN:
        rest = f"… and {len(predictions) - SHOWN:,} more; `--to FILE` writes all, `--json` shows all"
        console().print(rest, style="dim")


def _cells(instance: Any, beside: Any, names: Sequence[str], prediction: Any) -> list[object]:
    values = {**instance, **beside} if isinstance(instance, dict) else {}
    return [*(_short(values.get(name, "")) for name in names), _short(prediction)]


def _short(value: Any) -> str:
    """Six digits are enough for a look; `--json` has them all."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return "  ".join(f"{key} {_short(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    return "" if value is None else str(value)
