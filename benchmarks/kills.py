"""kill -9 of stream workers at seeded moments under load, with rebalances among them: is every event counted once?"""

import sys
import time
from collections.abc import Iterator

from benchmarks.campaign import EVENTS_A_SECOND, WORKERS, Round, play
from benchmarks.report import Figure, Table
from benchmarks.run import Run

ROUND = 25
"""Kills before the counts are compared, and another broker is begun with."""
SHOWN = 10


def measure(run: Run) -> Iterator[Table]:
    """Differences are found, not failures: the table says how many."""
    kinds = {"kafka": "apache"}
    rounds: list[Round] = []
    left = run.choose(2, run.kills)
    while left > 0:
        kills = min(ROUND, left)
        left -= kills
        number = len(rounds)
        began = time.monotonic()
        rounds.append(
            play(kinds.get(run.broker, run.broker), run.scratch / f"round-{number}", kills, run.seed + number)
        )
        print(f"round {number + 1}: {_line(rounds[-1])}; {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    yield Table(
        f"Stream workers killed under load, {run.broker} broker, seed {run.seed}",
        f"{EVENTS_A_SECOND} events/s of three deployments into 4 partitions; {WORKERS} workers, of which at least one "
        "runs. At seeded moments one or two are killed (SIGKILL, most start again at once), one is asked to leave "
        f"(SIGTERM) or joins. Every {ROUND} kills each acknowledged event is counted again by itself: panes (events, "
        "requests, failures, every bin) and the 24 h windows must be equal. A round has a broker of its own.",
        [
            *(Figure(says, (sum(one.did[name] for one in rounds),), "times") for name, says in _DID.items()),
            Figure("assignments taken up by workers", (sum(one.assignments for one in rounds),), "times"),
            Figure("events acknowledged", (sum(one.events for one in rounds),), "events"),
            Figure("panes compared", (sum(one.panes for one in rounds),), "panes"),
            Figure("differences", (sum(len(one.differences) for one in rounds),), "panes and windows"),
        ],
        [text for one in rounds for text in _notes(one)],
    )


_DID = {
    "kill": "workers killed",
    "at work": "of them after an assignment",
    "leave": "workers asked to leave",
    "join": "workers that joined",
    "ended": "workers that ended by themselves",
}


def _line(one: Round) -> str:
    did = ", ".join(f"{name} {count}" for name, count in sorted(one.did.items()))
    return f"seed {one.seed}: {did}, {one.assignments} assignments, {one.events} events, {len(one.differences)} differ"


def _notes(one: Round) -> list[str]:
    return [f"seed {one.seed}: {text}" for text in (*one.differences[:SHOWN], *one.endings)]
