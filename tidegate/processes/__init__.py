"""Settings in; one running process out, whose parts get plain values.

Libraries make a hundred thousand objects while they load, and keep them. The garbage collector would go through them
again and again, for a tenth of the CPU of each start: it waits until `all_is_loaded`.
"""

import gc
import sys

from tidegate.left_out import CLIENT_OF_HTTPX, RICH, leave_out

_USUAL = gc.get_threshold()
gc.set_threshold(50_000, *_USUAL[1:])

if sys.argv[0] == "-m":  # so it stands while Python looks for the module to run: whoever imports us may want them
    leave_out(RICH, CLIENT_OF_HTTPX)


def all_is_loaded() -> None:
    """From here on garbage is collected as usual; what was loaded is no part of it, and is not looked at again."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
