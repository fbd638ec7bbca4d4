"""The run itself: traffic on one side, a look at ClickHouse and the receiver every second on the other."""

import asyncio
import time
from collections.abc import Callable, Sequence

from model_runner import watched
from tidegate.demo.observer import Observer
from tidegate.demo.receiver import Receiver
from tidegate.demo.run_state import Phase, RunState
from tidegate.demo.screen import Screen
from tidegate.demo.sender import send
from tidegate.demo.traffic import Parcel

LOOK_EVERY_S = 1.0
SHOW_EVERY_S = 0.25
ALERT_S = 30.0
"""After the last row: how long the features and the alert may take."""
STORE_S = 30.0
"""And every row to be stored and counted."""


class Watch:
    """Sends, looks and shows until all was seen, or the time is up."""

    def __init__(
        self, state: RunState, observer: Observer, receiver: Receiver, screen: Screen, deployment_id: str
    ) -> None:
        self._state = state
        self._observer = observer
        self._receiver = receiver
        self._screen = screen
        self._deployment_id = deployment_id

    async def run(self, url: str, parcels: Sequence[Parcel], rows_per_s: float, expected: Sequence[str]) -> None:
        """Send everything; then wait, with deadlines, for what must follow from it."""
        showing = watched.begin(self._show(), "show")
        looking = watched.begin(self._look(), "look")
        try:
            await send(url, parcels, rows_per_s, self._state.tally, on_sent=self._state.sent)
            self._state.phase = Phase.SETTLING
            await _until(lambda: self._fired(expected), ALERT_S, looking)
            await _until(self._stored, STORE_S, looking)
            self._state.phase = Phase.DONE
        finally:
            for task in (showing, looking):
                task.cancel()
            await asyncio.gather(showing, looking, return_exceptions=True)
        self._screen.show(self._state, last=True)

    def _fired(self, expected: Sequence[str]) -> bool:
        firing = {one.series for one in self._state.seen.firings}
        return self._state.alert is not None and firing.issuperset(expected)

    def _stored(self) -> bool:
        counts = self._state.seen.counts
        return counts.events - counts.failed >= self._state.tally.served()

    async def _show(self) -> None:
        while True:
            self._state.deliveries = self._receiver.deliveries(self._deployment_id)
            self._screen.show(self._state)
            await asyncio.sleep(SHOW_EVERY_S)

    async def _look(self) -> None:
        while True:
            try:
                self._state.observed(await asyncio.to_thread(self._observer.observe))
            except Exception as error:  # also of connections, and of answers that are cut: the next look may succeed
                self._state.trouble = told(error)
            await asyncio.sleep(LOOK_EVERY_S)


def told(error: Exception) -> str:
    """In one line."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]


async def _until(holds: Callable[[], bool], deadline_s: float, looking: asyncio.Task[None]) -> None:
    """Wait for it; what is missing at the deadline is the verdict's to say. A look that broke ends the demo."""
    end = time.monotonic() + deadline_s
    while not holds() and time.monotonic() < end:
        if looking.done():
            looking.result()
        await asyncio.sleep(0.1)
