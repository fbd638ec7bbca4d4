"""The memory of the idle stack, by process."""

import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.deploying import deploy_regression
from benchmarks.report import Figure, Table
from benchmarks.run import Run
from tests.support.stack import RunningStack, running_stack

IDLE_S = 10.0
"""Nothing is asked of the stack before it is measured."""
SAMPLES = 3
MB = 1e6
TOTAL = "all"
AIM = "the aim"
AIM_MB = 1200.0


def measure(run: Run) -> Iterator[Table]:
    """One table."""
    with running_stack(run.scratch, spare_runners=1) as stack:
        deploy_regression(stack, run.scratch / "model")
        stack.spare_runner()
        samples = []
        for _ in range(SAMPLES):
            time.sleep(IDLE_S / SAMPLES)
            samples.append(_sample(stack))
    names = sorted(samples[-1], key=lambda name: -samples[-1][name])
    yield Table(
        "Memory of the idle stack",
        f"`tidegate up`, one scikit-learn model of 20 features deployed, then {IDLE_S:.0f} s of nothing, in which it "
        f"is measured {SAMPLES} times. Proportional set size (PSS) of every process of the stack: a page that several "
        "share counts once in all. Where the system does not tell PSS: the memory that is the process's own (USS).",
        [
            Figure(AIM, (AIM_MB,), "MB"),
            Figure(TOTAL, tuple(sum(sample.values()) for sample in samples), "MB", AIM),
            *(Figure(name, tuple(sample.get(name, 0.0) for sample in samples), "MB", TOTAL) for name in names),
        ],
    )


def _sample(stack: RunningStack) -> dict[str, float]:
    """MB of each process, by its name in `tidegate status`; of one that is not in it, by its program's."""
    names = {part["pid"]: name for name, part in stack.parts().items() if part["pid"]}
    supervisor = stack.supervisor_pid()
    names[supervisor] = "supervisor"
    return {names.get(pid, f"{_name(pid)} ({pid})"): _megabytes(pid) for pid in {supervisor, *stack.running()}}


def _name(pid: int) -> str:
    return str(psutil.Process(pid).name())


def _megabytes(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if rollup.exists():
        line = next(line for line in rollup.read_text().splitlines() if line.startswith("Pss:"))
        return int(line.split()[1]) * 1024 / MB
    return float(psutil.Process(pid).memory_full_info().uss / MB)
