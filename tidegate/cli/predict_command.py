"""`tidegate predict`: the rows of a file through the gateway."""

import sys
from pathlib import Path
from typing import Any

import httpx

from tidegate.cli.context import load_settings
from tidegate.cli.exits import CliError, Exit, not_running
from tidegate.cli.output import console, print_json, print_table
from tidegate.cli.rows import parse_rows
from tidegate.settings import Settings

SHOWN = 50
"""Rows of the table; `--json` has all."""


def predict(model: str, file: str, *, as_json: bool) -> None:
    settings = load_settings()
    rows = parse_rows(_read(file), file)
    answers: list[dict[str, Any]] = []
    for start in range(0, len(rows), settings.max_instances):
        answers.append(_ask(settings, model, rows[start : start + settings.max_instances]))
    predictions = [prediction for answer in answers for prediction in answer["predictions"]]
    if as_json:
        print_json({**answers[0], "predictions": predictions})
        return
    names = _columns(rows)
    table = [_cells(row, names, prediction) for row, prediction in zip(rows[:SHOWN], predictions, strict=False)]
    print_table([*names, "prediction"], table, title=f"{model} version {answers[0].get('version', '?')}")
    if len(predictions) > SHOWN:
        console().print(f"… and {len(predictions) - SHOWN:,} more; `--json` shows all", style="dim")


def _read(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{file} cannot be read: {error}", Exit.USAGE) from error


def _ask(settings: Settings, model: str, rows: list[Any]) -> dict[str, Any]:
    url = f"{settings.gateway_url}/v1/models/{model}/predict"
    try:
        answer = httpx.post(url, json={"instances": rows}, timeout=settings.runner_timeout_s + 5)
    except httpx.ConnectError as error:
        raise not_running(settings.home_path) from error
    except httpx.HTTPError as error:
        raise CliError(
            f"The gateway gave no answer: {error or type(error).__name__}. See `tidegate logs gateway`."
        ) from error
    if answer.is_success:
        return dict(answer.json())
    raise CliError(_explain(answer), Exit.UNKNOWN if answer.status_code == 404 else Exit.REFUSED)


def _explain(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return f"The gateway answered {answer.status_code}: {answer.text[:500]}"
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message") if isinstance(error, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    told = [detail["message"] for detail in details or [] if isinstance(detail, dict) and "message" in detail]
    # The message is made of the first few: with a list of all there is no need for it.
    return "\n".join(told[:20]) or str(message or body)


def _columns(rows: list[Any]) -> list[str]:
    first = rows[0]
    return [str(key) for key in first][:8] if isinstance(first, dict) else []


def _cells(row: Any, names: list[str], prediction: Any) -> list[object]:
    return [*(_short(row.get(name, "")) if isinstance(row, dict) else "" for name in names), _short(prediction)]


def _short(value: Any) -> str:
    """Six digits are enough for a look; `--json` has them all."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return "  ".join(f"{key} {_short(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    return "" if value is None else str(value)
