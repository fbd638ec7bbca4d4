"""Every decoder that faces bytes from outside, with inputs that it takes and all that it may raise."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from tests.support.decoders.clickhouse import clickhouse
from tests.support.decoders.files import files
from tests.support.decoders.http import bodies, headers
from tests.support.decoders.sockets import frames
from tests.support.decoders.topics import kept, topics
from tests.support.fuzzing import Decoder


def decoders(scratch: Path, runner: asyncio.Runner) -> Iterator[Decoder]:
    """All of them; those that read files have theirs in `scratch`, those that are coroutines run there."""
    yield from topics()
    yield from kept()
    yield from bodies(scratch, runner)
    yield from headers()
    yield from frames(runner)
    yield from clickhouse(scratch)
    yield from files(scratch)
