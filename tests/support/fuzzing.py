"""One decoder against many inputs that are nearly right: each is taken, or refused as it is said to be."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.mutations import mutated


@dataclass(frozen=True)
class Decoder:
    """What faces bytes from outside."""

    name: str
    valid: Sequence[bytes]
    """Inputs that it takes."""
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...] = ()
    """All that it may raise; empty where it never raises."""


@dataclass
class Tally:
    """What came of one decoder's inputs."""

    tried: int = 0
    accepted: int = 0
    refused: int = 0
    otherwise: list[tuple[bytes, BaseException]] = field(default_factory=list)
    """Inputs about which it raised something else."""


def fuzz(decoder: Decoder, seed: int, count: int, seconds: float = float("inf")) -> Tally:
    """Try so many inputs, or for so long."""
    dice = random.Random(f"{seed} {decoder.name}")
    tally = Tally()
    until = time.monotonic() + seconds
    while tally.tried < count and (tally.tried % 50 or time.monotonic() < until):
        data = mutated(decoder.valid, dice)
        tally.tried += 1
        try:
            decoder.read(data)
        except decoder.refusals:
            tally.refused += 1
        except Exception as error:
            tally.otherwise.append((data, error))
        else:
            tally.accepted += 1
    return tally
