"""What the misbehaving test model does, by the value of its feature `act`.

Every runner that serves it loads this module, and no library at all: it is started hundreds of times.
"""

import os
import time

ANSWER = 0.0
RAISE = 1.0
DIE = 2.0
SLEEP = 3.0
"""For SLEEP_S seconds: long enough that others arrive meanwhile."""
SLEEP_LONG = 4.0
SLEEP_S = 0.4
SLEEP_LONG_S = 30.0


def told(what: float) -> dict[str, float]:
    """An instance that makes the model do it."""
    return {"act": what, "value": 0.0}


def act(what: float, rows: int) -> float:
    """The prediction: how many rows were predicted together."""
    if what == RAISE:
        raise ValueError("poisoned row")
    if what == DIE:
        os._exit(7)
    if what == SLEEP:
        time.sleep(SLEEP_S)
    if what == SLEEP_LONG:
        time.sleep(SLEEP_LONG_S)
    return float(rows)
