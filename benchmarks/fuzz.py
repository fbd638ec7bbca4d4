"""`python -m benchmarks fuzz`: every decoder against inputs that are nearly right, for a while."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.support.decoders import decoders
from tests.support.fuzzing import Tally, fuzz

SHOWN = 3
"""Inputs of one decoder that raised something else."""


def main(arguments: list[str]) -> int:
    """1 where a decoder raised what it is not said to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for all decoders together")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tries the same inputs")
    told = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    print("| decoder | inputs tried | accepted | refused | raised otherwise |\n| --- | --- | --- | --- | --- |")
    whole = Tally()
    with tempfile.TemporaryDirectory() as scratch, asyncio.Runner() as runner:
        every = list(decoders(Path(scratch), runner))
        end = time.monotonic() + told.seconds
        for number, decoder in enumerate(every):
            share = (end - time.monotonic()) / (len(every) - number)
            tally = fuzz(decoder, told.seed, sys.maxsize, max(0.0, share))
            _print(decoder.name, tally)
            whole.tried += tally.tried
            whole.accepted += tally.accepted
            whole.refused += tally.refused
            whole.otherwise += tally.otherwise
    _print("all", whole)
    return 1 if whole.otherwise else 0


def _print(name: str, tally: Tally) -> None:
    counts = (tally.tried, tally.accepted, tally.refused, len(tally.otherwise))
    print(f"| {name} | {' | '.join(f'{count:,}' for count in counts)} |", flush=True)
    if name != "all":
        for data, error in tally.otherwise[:SHOWN]:
            print(f"{type(error).__name__}: {error}\n    {data!r}", file=sys.stderr)
