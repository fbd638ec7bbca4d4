"""The time that an environment takes: cold, warm, and when it is there already."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.report import Figure, Table
from benchmarks.run import Run
from model_runner.environment import Store, prepare
from model_runner.environment.sealing import remove

CASES = {"humanize 4.9.0": "humanize==4.9.0", "scikit-learn 1.8.0": "scikit-learn==1.8.0"}


def measure(run: Run) -> Iterator[Table]:
    """One table a case."""
    for title, requirement in CASES.items():
        yield _case(run, title, requirement)


def _case(run: Run, title: str, requirement: str) -> Table:
    folder = run.scratch / "model"
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text(f"{requirement}\n")
    store = Store(run.scratch / "store", run.scratch / "store" / ".downloads")
    times: dict[str, list[float]] = {"cold": [], "warm": [], "known": []}
    for _ in range(run.repetitions):
        shutil.rmtree(store.downloads, ignore_errors=True)
        for figure, values in times.items():
            if figure != "known":
                _forget(store)
            values.append(_seconds(folder, store))
    (entry,) = store.entries()
    _forget(store)
    about = entry.about
    return Table(
        f"An environment of {title}",
        "Resolved, installed, compiled and sealed. cold: nothing downloaded before, so the index and the line to it "
        "count; warm: another environment had the packages; known: it is there, only the index is asked.",
        [Figure(name, tuple(values), "s", "cold") for name, values in times.items()],
        [f"{len(about.packages)} packages, {about.bytes / 1e6:.0f} MB"],
    )


def _forget(store: Store) -> None:
    for entry in store.entries():
        remove(store.folder(entry.about.key))


def _seconds(folder: Path, store: Store) -> float:
    began = time.perf_counter()
    prepare(folder, store)
    return time.perf_counter() - began
