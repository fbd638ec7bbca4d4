"""What `tidegate up` and `tidegate down` write where there is no terminal."""

import time

import pytest

from tidegate.cli.checklist import Checklist
from tidegate.parts.state import Condition, PartState, Phase, StackState


def _state(condition: Condition) -> StackState:
    part = PartState(name="broker", condition=condition, since=time.time())
    return StackState(pid=1, phase=Phase.STOPPING, since=0.0, parts=(part,))


def test_what_ends_is_told_and_not_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    with Checklist(enabled=True, begun=_state(Condition.READY)) as checklist:
        for condition in (Condition.READY, Condition.STOPPING, Condition.STOPPED, Condition.STOPPED):
            checklist.show(_state(condition))
    lines = capsys.readouterr().out.splitlines()

    assert [line.split(" s  ")[1] for line in lines] == ["broker stopped"]


def test_a_stop_never_tells_of_a_start(capsys: pytest.CaptureFixture[str]) -> None:
    """A part that was still starting when the stop began, and was ready for a moment."""
    with Checklist(enabled=True, begun=_state(Condition.STARTING)) as checklist:
        for condition in (Condition.STARTING, Condition.READY, Condition.STOPPING, Condition.STOPPED):
            checklist.show(_state(condition))
    lines = capsys.readouterr().out.splitlines()

    assert [line.split(" s  ")[1] for line in lines] == ["broker stopped"]


def test_what_becomes_ready_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Checklist(enabled=True) as checklist:
        for condition in (Condition.WAITING, Condition.STARTING, Condition.READY, Condition.READY):
            checklist.show(_state(condition))
    lines = capsys.readouterr().out.splitlines()

    assert [line.split(" s  ")[1] for line in lines] == ["broker ready"]
