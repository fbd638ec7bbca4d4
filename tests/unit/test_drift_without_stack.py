"""What `tidegate drift` says where nothing runs."""

from pathlib import Path

import pytest

from tidegate.cli.commands.drift import alerts
from tidegate.cli.exits import CliError, Exit


def test_a_stack_that_is_down_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDEGATE_HOME", str(tmp_path))
    with pytest.raises(CliError, match="is not running: start it with `tidegate up`") as raised:
        alerts(as_json=False)

    assert raised.value.code is Exit.NOT_RUNNING
    assert capsys.readouterr() == ("", "")
