"""Every decoder takes inputs that are nearly right, or refuses them as it is said to: nothing else is ever raised.

`python -m benchmarks fuzz` tries many more.
"""

import asyncio
import logging

import pytest

from tests.support.decoders import decoders
from tests.support.fuzzing import Tally, fuzz

SEED = 7
COUNT = 150
SECONDS = 2.0
"""For one decoder, on a machine that is busy with something else."""


@pytest.fixture(scope="module")
def tallies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tally]:
    logging.disable(logging.WARNING)  # a refused handshake is logged, each time
    try:
        found = {}
        with asyncio.Runner() as runner:
            for decoder in decoders(tmp_path_factory.mktemp("decoders"), runner):
                for valid in decoder.valid:
                    decoder.read(valid)
                found[decoder.name] = fuzz(decoder, SEED, COUNT, SECONDS)
        return found
    finally:
        logging.disable(logging.NOTSET)


def test_nothing_is_raised_but_what_is_said(tallies: dict[str, Tally]) -> None:
    wrong = [
        f"{name}: {type(error).__name__}: {error} about {data[:200]!r}"
        for name, tally in tallies.items()
        for data, error in tally.otherwise
    ]
    assert wrong == []


def test_every_kind_of_decoder_is_there(tallies: dict[str, Tally]) -> None:
    kinds = {name.split(":")[0] for name in tallies}
    assert kinds >= {"sink", "worker", "notifier", "changelog", "registry", "gateway", "header", "runner", "deployer"}
    assert kinds >= {"ClickHouse", "file", "command"}
    assert all(tally.tried for tally in tallies.values())
