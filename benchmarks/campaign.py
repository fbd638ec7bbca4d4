"""One round of seeded kills: workers die, leave and join under load; what they counted is held against a recount."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from confluent_kafka import Producer

from stream.contracts.metrics import decode_service
from stream.contracts.topics import Topic, TopicLayout
from stream.profiles.profile import Profile
from tests.support.broker import BROKERS, Broker
from tests.support.recount import Counts, counted_by_stream, differences_of, recounted
from tests.support.stream_worker import StreamWorkers
from tests.support.topic_reader import read_topic
from tests.support.traffic import Traffic, announce, make_profile
from tests.support.waiting import wait_until
from tidegate.backends.topics import ensure_topics

WORKERS = 4
LAYOUT = TopicLayout()
EVENTS_A_SECOND = 400
HASTE_S, CALM_S = (0.2, 1.5), (3.0, 7.0)
"""Between two blows: within a rebalance, or after some seconds of quiet counting."""
CALM = 0.35
"""How often it is calm."""
BOTH = 0.4
"""How often two are killed at the same moment, where one is left."""
SETTLE_S = 90.0
RESUMED = "consumer.resumes"
"""What a worker logs with each assignment."""


@dataclass
class Round:
    """What happened, and what did not come out right."""

    seed: int
    did: Counter[str] = field(default_factory=Counter)
    """`kill`, `at work` (killed after an assignment of its), `leave`, `join`, `ended` (by itself: none is expected)."""
    assignments: int = 0
    events: int = 0
    panes: int = 0
    differences: list[str] = field(default_factory=list)
    endings: list[str] = field(default_factory=list)
    """Last words of the workers that ended by themselves."""


def play(kind: str, folder: Path, kills: int, seed: int) -> Round:
    """On a broker of its own."""
    found = Round(seed)
    rng = random.Random(seed)
    folder.mkdir()
    with cast(AbstractContextManager[Broker], BROKERS[kind](folder)) as broker:
        profiles = _prepare(broker, seed)
        with StreamWorkers(broker, folder, WORKERS, flush_s=0.5, evaluate_s=1.0) as workers:
            workers.children[-1].kill()  # it joins later
            traffic = Traffic(broker.bootstrap, LAYOUT.name(Topic.EVENTS), tuple(profiles), seed, EVENTS_A_SECOND)
            traffic.start()
            wait_until(lambda: read_topic(broker.bootstrap, LAYOUT.name(Topic.PANES)), 60, "the first pane")
            _Blows(workers, rng, found).deal(kills)
            acknowledged = traffic.stop()
            found.events = len(acknowledged)
            expected = recounted(acknowledged, profiles)
            found.panes = len(expected)
            found.differences = _settled(broker, workers, expected, profiles)
            found.assignments = workers.whole_log().count(RESUMED)
    return found


def _prepare(broker: Broker, seed: int) -> dict[str, Profile]:
    ensure_topics(broker.bootstrap, LAYOUT)
    profiles = {name: make_profile(name, seed) for name in ("kill-a", "kill-b", "kill-c")}
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for name, profile in profiles.items():
        announce(producer, LAYOUT.name(Topic.DEPLOYMENTS), name, profile)
    return profiles


class _Blows:
    """The seed says who is hit next, when and how. One worker at least is left to go on."""

    def __init__(self, workers: StreamWorkers, rng: random.Random, found: Round) -> None:
        self._workers = workers
        self._rng = rng
        self._did = found.did
        self._endings = found.endings
        self._away: set[int] = {WORKERS - 1}
        """Killed, or asked to leave, and not to come back yet."""
        self._seen: Counter[int] = Counter()
        """Assignments that each worker took up before its present life."""

    def deal(self, kills: int) -> None:
        while self._did["kill"] < kills:
            self._let_run(self._rng.uniform(*(CALM_S if self._rng.random() < CALM else HASTE_S)))
            self._next()
        for index in list(self._away):
            self._join(index)

    def _next(self) -> None:
        here = [index for index in range(WORKERS) if index not in self._away]
        if self._away and (len(here) == 1 or self._rng.random() < 0.3):
            self._join(self._rng.choice(sorted(self._away)))
        elif self._rng.random() < 0.2:
            index = self._rng.choice(here)
            self._did["leave"] += 1
            self._away.add(index)
            os.kill(self._workers.children[index].pid, signal.SIGTERM)
        else:
            both = len(here) > 2 and self._rng.random() < BOTH
            self._kill(self._rng.sample(here, 2 if both else 1))

    def _kill(self, indices: list[int]) -> None:
        for index in indices:
            self._did["kill"] += 1
            self._did["at work"] += self._assignments(index) > self._seen[index]
            self._workers.children[index].kill()
        for index in indices:
            if self._rng.random() < 0.7:
                self._start(index)
            else:
                self._away.add(index)

    def _assignments(self, index: int) -> int:
        """In all its lives."""
        return self._workers.children[index].log_path.read_text(errors="replace").count(RESUMED)

    def _start(self, index: int) -> None:
        self._seen[index] = self._assignments(index)
        self._workers.children[index].start()

    def _join(self, index: int) -> None:
        self._workers.children[index].stop(grace_s=60)  # it may still be leaving
        self._start(index)
        self._away.discard(index)
        self._did["join"] += 1

    def _let_run(self, seconds: float) -> None:
        """Traffic goes on meanwhile. What ended by itself is started again, as the supervisor would."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for index, child in enumerate(self._workers.children):
                if index not in self._away and not child.running:
                    self._did["ended"] += 1
                    self._endings.append(f"worker {index} ended: {child.log_tail()}")
                    self._start(index)
            time.sleep(0.1)


def _settled(broker: Broker, workers: StreamWorkers, expected: Counts, profiles: Mapping[str, Profile]) -> list[str]:
    """What still differs when nothing more comes: panes, and the events of the 24 h windows."""
    totals = {name: sum(c.events for key, c in expected.items() if key[0] == name) for name in profiles}
    end = time.monotonic() + SETTLE_S
    while True:
        workers.revive()
        found = differences_of(expected, counted_by_stream(broker.bootstrap, LAYOUT.name(Topic.PANES), profiles))
        windows = in_day_window(broker)
        found += [
            f"24 h of {name}: {windows.get(name)} for {n}" for name, n in totals.items() if windows.get(name) != n
        ]
        if not found or time.monotonic() > end:
            return found
        time.sleep(1.0)


def in_day_window(broker: Broker) -> dict[str, int]:
    """Events in the newest 24 h window of each deployment."""
    newest: dict[str, tuple[str, int]] = {}
    for record in read_topic(broker.bootstrap, LAYOUT.name(Topic.SERVICE)):
        for metric in decode_service(record.value):
            if metric.window == "24h":
                entry = (metric.ts, metric.events)
                newest[metric.deployment_id] = max(entry, newest.get(metric.deployment_id, entry))
    return {name: events for name, (_, events) in newest.items()}
