"""What the command line and the logs show of a model's words: no control characters, no markup, no forged lines."""

import io
import json
import logging

import pytest
import structlog
from rich.table import Table

from tidegate.cli import output
from tidegate.cli.calm_console import CalmConsole
from tidegate.cli.commands import logs
from tidegate.cli.context import warn
from tidegate.logging import calm_handler, configure

HOSTILE = "[bold red]x[/bold red] \x1b]52;c;aGk=\x07\x1b[2K\r\u202e\u200b\x9b31m"


def _is_calm(text: str) -> bool:
    return all(each.isprintable() or each == "\n" for each in text)


def test_tables_show_markup_and_control_characters_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(["feature"], [[HOSTILE], ["ordinary"]], title=HOSTILE)
    shown = capsys.readouterr().out

    assert _is_calm(shown)
    assert shown.count("[bold red]x[/bold red]") == 2


def test_tables_made_elsewhere_and_plain_lines_do_too(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table()
    table.add_column("feature")
    table.add_row(HOSTILE)
    output.console().print(table)
    output.console().print(HOSTILE)
    shown = capsys.readouterr().out

    assert _is_calm(shown)
    assert shown.count("[bold red]x[/bold red]") == 2


def test_styles_of_our_own_stay() -> None:
    out = io.StringIO()
    CalmConsole(file=out, force_terminal=True, color_system="standard").print("ready", style="bold green")

    assert "\x1b[" in out.getvalue()


def test_json_is_what_it_was_and_shows_nothing_odd(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"prediction": HOSTILE, "größe": "ü"})
    shown = capsys.readouterr().out

    assert _is_calm(shown)
    assert "größe" in shown
    assert json.loads(shown) == {"prediction": HOSTILE, "größe": "ü"}


def test_lines_of_a_runners_log_do_not_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    logs._print("runner-d1", f"loaded {HOSTILE}")

    assert _is_calm(capsys.readouterr().out)


def test_warnings_are_calm(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the stack's state file, whose parts tell what their logs end with."""
    warn(f"deployment d1 {HOSTILE}")

    assert _is_calm(capsys.readouterr().err)


def test_our_own_logs_are_calm(capsys: pytest.CaptureFixture[str]) -> None:
    before, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        configure("info")
        structlog.get_logger().info("job.ended", error=f"{HOSTILE}\n✓ switch")
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            structlog.get_logger().exception("job.fault")
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers[:] = before
        logging.getLogger().setLevel(level)
    record = logging.LogRecord("x", logging.INFO, "x", 1, HOSTILE, None, None)

    shown = capsys.readouterr().err
    assert "job.ended" in shown
    assert _is_calm(shown)
    assert _is_calm(calm_handler("%(message)s").format(record))
