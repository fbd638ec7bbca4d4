"""The memory that the server takes for a large push, beside that for a small one."""

import shutil
import time
from collections.abc import Iterator

from benchmarks.report import Figure, Table
from benchmarks.run import Run
from tests.support.git_client import Clone, remote_url
from tests.support.large_model import write_weights
from tests.support.memory import PARTS, SAMPLE_S, watching_memory
from tests.support.stack import RunningStack, running_stack

SMALL_MB = 1
SEED = 3


def measure(run: Run) -> Iterator[Table]:
    """One table for each way in which a large file comes."""
    megabytes = run.choose(150, 1000)
    with running_stack(run.scratch) as stack:
        for way in ("git", "Git LFS"):
            if way == "Git LFS" and shutil.which("git-lfs") is None:
                continue
            yield _way(run, stack, way, megabytes)


def _way(run: Run, stack: RunningStack, way: str, megabytes: int) -> Table:
    name = "large-" + way.lower().replace(" ", "-")
    clone = Clone(run.scratch / name, remote_url(stack, name))
    clone.git("config", "core.compression", "0")
    if way == "Git LFS":
        clone.git("lfs", "install", "--local")
        clone.git("lfs", "track", "*.bin")
    small, _ = _push(stack, clone, SMALL_MB)
    large, seconds = _push(stack, clone, megabytes)
    figures = []
    for part in PARTS:
        before = f"{part}, {SMALL_MB} MB"
        figures.append(Figure(before, (small[part],), "MB"))
        figures.append(Figure(f"{part}, {megabytes:,} MB", (large[part],), "MB", before))
    return Table(
        f"A push of {megabytes:,} MB by {way}",
        f"A predict.py with a file of random bytes beside it. Peak of the memory that is no file's (RssAnon), looked "
        f"at every {SAMPLE_S * 1000:.0f} ms while `git push` runs, beside that for a push of {SMALL_MB} MB.",
        figures,
        [f"{seconds:.0f} s from `git push` to its end, the version live"],
    )


def _push(stack: RunningStack, clone: Clone, megabytes: int) -> tuple[dict[str, float], float]:
    """Peaks by part, MB; seconds."""
    write_weights(clone.folder, megabytes, SEED + megabytes)
    clone.commit(f"{megabytes} MB")
    began = time.monotonic()
    with watching_memory(stack) as peaks:
        done = clone.run("push", "tidegate", "main", timeout_s=400)
    if done.returncode:
        raise RuntimeError(f"the push failed: {done.stderr}")
    return peaks, time.monotonic() - began
