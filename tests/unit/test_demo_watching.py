"""The demo goes on where a look at ClickHouse fails, whatever that raises, and shows why."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from clickhouse_connect.driver.exceptions import OperationalError
from urllib3.exceptions import ProtocolError

from tidegate.demo import watching
from tidegate.demo.run_state import RunState
from tidegate.demo.watching import Watch

FAILURES: tuple[Exception, ...] = (
    OperationalError("away"),
    ProtocolError("Connection broken", ConnectionResetError(104, "reset")),
    OSError(111, "refused"),
    ValueError("an answer that was cut"),
    KeyError(),
)


class Observer:
    """Fails in every way there is, then answers."""

    def __init__(self, failures: Sequence[Exception]) -> None:
        self._failures = list(failures)

    def observe(self) -> object:
        if self._failures:
            raise self._failures.pop(0)
        return "seen"


class State:
    """What a run keeps of its looks."""

    def __init__(self) -> None:
        self.troubles: list[str] = []
        self.done = asyncio.Event()

    def observed(self, found: object) -> None:
        assert found == "seen"
        self.done.set()

    @property
    def trouble(self) -> str:
        return self.troubles[-1]

    @trouble.setter
    def trouble(self, why: str) -> None:
        self.troubles.append(why)


def test_a_look_that_fails_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_EVERY_S", 0.0)

    async def look() -> list[str]:
        state = State()
        watch = Watch(cast(RunState, state), cast(Any, Observer(FAILURES)), cast(Any, None), cast(Any, None), "d")
        looking = asyncio.ensure_future(watch._look())
        await asyncio.wait_for(state.done.wait(), 60)
        looking.cancel()
        return state.troubles

    assert len(asyncio.run(look())) == len(FAILURES)
