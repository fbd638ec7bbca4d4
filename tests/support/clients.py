"""Clients that predict steadily through the gateway, whatever is killed behind it."""

import random
import threading
import time
from collections import Counter

import httpx


class Clients:
    """A few threads; each asks, waits a little, asks again. Refusals and lost connections are counted, never raised."""

    def __init__(self, url: str, seed: int, threads: int = 3, per_second: float = 40.0) -> None:
        self._url = url
        self._pause_s = threads / per_second
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(seed + i,), daemon=True) for i in range(threads)]
        self.answers: Counter[str] = Counter()
        """Requests by HTTP status or the error's name."""
        self.served: set[str] = set()
        """Ids of the requests that got 200."""

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(40)

    def _run(self, seed: int) -> None:
        rng = random.Random(seed)
        with httpx.Client(timeout=60) as client:
            while not self._stop.is_set():
                started = time.monotonic()
                rows = [
                    {"price": rng.gauss(0, 1), "demand": rng.gauss(0, 1), "transfer": rng.gauss(0, 1)}
                    for _ in range(rng.choice([1, 1, 5]))
                ]
                try:
                    answer = client.post(self._url, json={"instances": rows})
                    self.answers[str(answer.status_code)] += 1
                    if answer.status_code == 200:
                        self.served.add(answer.headers["x-request-id"])
                except httpx.HTTPError as error:
                    self.answers[type(error).__name__] += 1
                self._stop.wait(max(0.0, self._pause_s - (time.monotonic() - started)))
