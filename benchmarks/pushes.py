"""The time from `git push` to a live version, for each example: its environment known, and built."""

import importlib.util
import time
from collections.abc import Iterator

from benchmarks.report import Figure, Table
from benchmarks.run import Run
from tests.support.example_models import trained
from tests.support.git_client import Clone, remote_url
from tests.support.stack import RunningStack, running_stack

EXAMPLES = ("electricity", "demand", "prices", "loans", "iris")
KNOWN, BUILT, AIM_KNOWN, AIM_BUILT = "environment known", "environment built", "the aim, known", "the aim, built"
BUILDS = "humanize=={}\n"
"""A pure package that Tidegate does not have: with it an environment must be built for the model."""
VERSIONS = ("4.7.0", "4.8.0", "4.9.0")
SETTLE_S = 3.0
"""Between two pushes, in which the deployer makes its next process ready. The supervisor's is waited for."""


def measure(run: Run) -> Iterator[Table]:
    """One table an example. PyTorch is left out where it is not installed."""
    with running_stack(run.scratch, spare_runners=1) as stack:
        for example in EXAMPLES:
            if example != "demand" or importlib.util.find_spec("torch") is not None:
                yield _example(run, stack, example)


def _example(run: Run, stack: RunningStack, example: str) -> Table:
    clone = Clone(run.scratch / "repositories" / example, remote_url(stack, example))
    folder = trained(example, clone.folder)
    own = folder / "requirements.txt"
    needed = own.read_text() if own.is_file() else _library(example)
    known, built = [], []
    _push(stack, clone, "first")
    for repetition in range(run.repetitions):
        known.append(_push(stack, clone, f"known {repetition}"))
        own.write_text(needed + BUILDS.format(VERSIONS[repetition]))
        built.append(_push(stack, clone, f"built {repetition}"))
        own.write_text(needed)
        _push(stack, clone, "back")
    return Table(
        f"`git push` of {example}",
        "Seconds from the start of `git push` to its end, when the new version has the traffic. known: the model runs "
        "in an environment that is there. built: its requirements name a package more, so that one is resolved, "
        "installed and compiled first; the first time with a download.",
        [
            Figure(AIM_KNOWN, (2.0,), "s"),
            Figure(KNOWN, tuple(known), "s", AIM_KNOWN),
            Figure(AIM_BUILT, (30.0,), "s"),
            Figure(BUILT, tuple(built), "s", AIM_BUILT),
        ],
    )


def _library(example: str) -> str:
    """What a user would write: the library that saved the model, as it is installed here."""
    from importlib.metadata import version  # noqa: PLC0415

    names = ["scikit-learn", "joblib", "pandas"] if example != "iris" else ["scikit-learn", "joblib"]
    return "".join(f"{name}=={version(name)}\n" for name in names)


def _push(stack: RunningStack, clone: Clone, message: str) -> float:
    clone.commit(message)
    time.sleep(SETTLE_S)
    stack.spare_runner()
    began = time.monotonic()
    pushed = clone.push()
    if pushed.code:
        raise RuntimeError(f"the push failed: {pushed!r}")
    return time.monotonic() - began
