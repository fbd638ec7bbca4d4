"""A file that was named on the command line and cannot be read is told of in a line, with what to do."""

import errno
import os
from pathlib import Path

import pytest

from tidegate.cli import app
from tidegate.cli.exits import CliError
from tidegate.cli.rows.named_files import in_a_line, read_named


def test_what_is_no_file_is_refused_in_words(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("gone.csv", "is not there"), (".", "is a folder"), ("pipe", "Pipe it in instead")):
        with pytest.raises(CliError, match=words) as raised:
            read_named(tmp_path / name)
        assert "[Errno" not in raised.value.message
    (tmp_path / "rows.csv").write_text("a\n1\n")
    assert read_named(tmp_path / "rows.csv") == b"a\n1\n"
    assert "Change its permissions" in in_a_line(PermissionError(errno.EACCES, "denied"), "rows.csv")


def test_any_command_tells_of_a_file_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app, "app", (tmp_path / "none" / "file").read_bytes)
    with pytest.raises(SystemExit):
        app.main()
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "is not there" in said
    assert "[Errno" not in said
