"""`python -m benchmarks conformance`: every estimator of every library, saved, served and held against itself.

Runs without the rest of Tidegate too, as `python -m benchmarks.conformance`, in an environment with other libraries.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is there: the models are tiny

from tests.support.conformance.cases import Case, cases
from tests.support.conformance.estimators import LIBRARIES, is_installed
from tests.support.conformance.running import Outcome, Result, run
from tests.support.conformance.table import counted, head, rows, written_into


def main(arguments: list[str]) -> int:
    """1 where something is answered otherwise, or refused wrongly."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks conformance", description=__doc__)
    known = f"of {', '.join(LIBRARIES)}; by default all"
    parser.add_argument("libraries", nargs="*", type=_library, metavar="LIBRARY", help=known)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th case")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="that share the work")
    parser.add_argument("--kept", type=Path, metavar="FILE", help="what was found goes there, and is not run again")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the counts into the table of docs/models.md")
    parser.add_argument("--all", action="store_true", help="tell of each case that is not equal")
    told = parser.parse_args(arguments)
    _calm()
    results: list[tuple[Case, Result]] = []
    for library in told.libraries or LIBRARIES:
        if is_installed(library):
            results += _run(library, told)
        else:
            print(f"{library} is not installed here", file=sys.stderr)
    counts = counted(results)
    print("\n".join([*head(), *rows(counts).values()]))
    if told.write is not None:
        told.write.write_text(written_into(told.write.read_text("utf-8"), counts), "utf-8")
    return int(any(result.outcome in {Outcome.DIFFERENT, Outcome.FAILED} for _, result in results))


def _library(name: str) -> str:
    """As it is listed, whatever the case of its letters."""
    for known in LIBRARIES:
        if known.lower() == name.lower():
            return known
    raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(LIBRARIES)}")


def _run(library: str, told: argparse.Namespace) -> Iterator[tuple[Case, Result]]:
    some = [case for number, case in enumerate(cases(library)) if number % told.every == 0]
    found = _read(told.kept)
    left = [case for case in some if _key(case) not in found]
    with ProcessPoolExecutor(told.processes, get_context("spawn"), _calm) as pool:
        running = {pool.submit(run, case): case for case in left}
        for done in as_completed(running):
            found[_key(running[done])] = done.result()
            _keep(told.kept, running[done], done.result())
    for case in some:
        result = found[_key(case)]
        is_told = result.outcome in {Outcome.DIFFERENT, Outcome.FAILED}
        if is_told or (told.all and result.outcome is not Outcome.EQUAL):
            print(f"{result.outcome}: {case}: {result.said}", file=sys.stderr, flush=True)
        yield case, result


def _key(case: Case) -> str:
    return f"{case.library}: {case}"


def _read(kept: Path | None) -> dict[str, Result]:
    """By case; one that was broken off, and never written whole, is not there."""
    lines = kept.read_text("utf-8").splitlines() if kept is not None and kept.exists() else []
    found = (json.loads(line) for line in lines)
    return {each["case"]: Result(Outcome(each["outcome"]), each["said"]) for each in found}


def _keep(kept: Path | None, case: Case, result: Result) -> None:
    if kept is not None:
        with kept.open("a", encoding="utf-8") as file:
            line = {"case": _key(case), "outcome": result.outcome, "said": result.said}
            file.write(json.dumps(line) + "\n")


def _calm() -> None:
    logging.disable(logging.CRITICAL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
