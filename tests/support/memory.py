"""The memory of a stack's processes that is no file's, while something happens."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.support.stack import RunningStack

SAMPLE_S = 0.05
PARTS = ("gateway", "git on the server", "deployer", "its processes", "supervisor")


@contextmanager
def watching_memory(stack: RunningStack) -> Iterator[dict[str, float]]:
    """The peak of each part of PARTS while the block runs, MB; looked at every SAMPLE_S."""
    peaks = dict.fromkeys(PARTS, 0.0)
    pids = {name: stack.pid(name) for name in ("gateway", "deployer")}
    pids["supervisor"] = stack.supervisor_pid()
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(pids, peaks, over), daemon=True)
    watch.start()
    try:
        yield peaks
    finally:
        over.set()
        watch.join()


def _watch(pids: dict[str, int], peaks: dict[str, float], over: threading.Event) -> None:
    children = {"gateway": "git on the server", "deployer": "its processes"}
    while not over.wait(SAMPLE_S):
        for name, pid in pids.items():
            peaks[name] = max(peaks[name], anonymous_mb(pid))
            if name in children:
                with suppress(psutil.Error):
                    found = sum(anonymous_mb(each.pid) for each in psutil.Process(pid).children(recursive=True))
                    peaks[children[name]] = max(peaks[children[name]], found)


def anonymous_mb(pid: int) -> float:
    """0 for a process that has ended."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("RssAnon:")).split()[1]) * 1024 / 1e6
    return 0.0
