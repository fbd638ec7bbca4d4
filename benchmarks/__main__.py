"""`python -m benchmarks [NAME…] [--quick] [--json]`: measure, print, judge nothing. `fuzz` and `conformance` do."""

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import fuzz
from benchmarks.bound import bounded
from benchmarks.machine import describe
from benchmarks.rendering import to_json, to_markdown
from benchmarks.report import Table
from benchmarks.run import Run

Measure = Callable[[Run], Iterator[Table]]


class Benchmark(NamedTuple):
    """A module of this package with a function `measure`."""

    module: str
    seconds: int
    """It is ended after so long."""
    says: str
    by_default: bool = True
    """Whether it runs where none is named."""


BENCHMARKS: dict[str, Benchmark] = {
    "stream": Benchmark("stream_worker", 900, "events a second through one stream worker, by events per record"),
    "latency": Benchmark("drift_latency", 420, "from an event to its row of drift metrics in ClickHouse"),
    "sink": Benchmark("sink_rows", 600, "events a second into ClickHouse, beside bare inserts"),
    "gateway": Benchmark("gateway_requests", 600, "predictions a second, beside the runner alone and the bare model"),
    "environment": Benchmark("environment_builds", 600, "building an environment: cold, warm, already there"),
    "cold-start": Benchmark("cold_start", 600, "from a request for a model that sleeps to its answer"),
    "push": Benchmark("pushes", 900, "from `git push` to live: each example, its environment known and built"),
    "large-push": Benchmark("large_push", 900, "memory of the server for a push of 1 GB, by git and by Git LFS"),
    "rebuild": Benchmark("rebuild", 900, "from a day of traffic in ClickHouse to the windows of a restarted stack"),
    "kills": Benchmark(
        "kills", 7200, "kill -9 of stream workers: is every event counted once? (--broker, --kills, --seed)", False
    ),
    "memory": Benchmark("idle_memory", 240, "memory of the idle stack, by process"),
}


def main() -> int:
    """1 where a benchmark did not come to its end; no figure makes it fail."""
    arguments = _arguments()
    machine = describe()
    if not arguments.json:
        print("\n".join(f"- {name}: {value}" for name, value in machine.items()), flush=True)
    tables: dict[str, list[dict[str, Any]]] = {}
    failed = []
    for name in arguments.names or [name for name, benchmark in BENCHMARKS.items() if benchmark.by_default]:
        tables[name] = []
        try:
            for table in _measure(name, arguments):
                tables[name].append(to_json(table))
                if not arguments.json:
                    print(f"\n{to_markdown(table)}", end="", flush=True)
        except Exception:  # the others are measured all the same
            failed.append(name)
            print(f"\n{name} did not come to its end:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
    if arguments.json:
        print(json.dumps({"machine": machine, "benchmarks": tables, "failed": failed}, indent=1))
    return 1 if failed else 0


def _measure(name: str, told: argparse.Namespace) -> Iterator[Table]:
    benchmark = BENCHMARKS[name]
    measure: Measure = import_module(f"benchmarks.{benchmark.module}").measure
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder, bounded(benchmark.seconds, name):
        yield from measure(Run(told.quick, Path(folder), told.broker, told.kills, told.seed))
    print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    listed = "\n".join(f"  {name:11} {benchmark.says}" for name, benchmark in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"{__doc__}\n\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to run; default: all but `kills`")
    parser.add_argument("--quick", action="store_true", help="fewer rows, one repetition: to see that it works")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--broker", choices=("embedded", "kafka"), default="embedded", help="for `kills`")
    parser.add_argument("--kills", type=int, default=20, help="for `kills`: how many")
    parser.add_argument("--seed", type=int, default=1, help="for `kills`: of the first round")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    return arguments


if __name__ == "__main__":
    if sys.argv[1:2] == ["conformance"]:
        # Imported here alone: scikit-learn and all else that is there.
        sys.exit(import_module("benchmarks.conformance").main(sys.argv[2:]))
    sys.exit(fuzz.main(sys.argv[2:]) if sys.argv[1:2] == ["fuzz"] else main())
