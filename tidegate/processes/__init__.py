"""Settings in; one running process out, whose parts get plain values.

Libraries make a hundred thousand objects while they load, and keep them. The garbage collector would go through them
again and again, for a tenth of the CPU of each start: it waits until `all_is_loaded`.
"""

import gc

_USUAL = gc.get_threshold()
gc.set_threshold(50_000, *_USUAL[1:])


def all_is_loaded() -> None:
    """From here on garbage is collected as usual; what was loaded is no part of it, and is not looked at again."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
