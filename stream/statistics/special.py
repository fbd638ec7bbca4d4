"""The functions of `scipy.special`, by their names there.

SciPy is loaded by the first that is asked for. It costs a fifth of a second of CPU, and a worker has nothing to measure
until a deployment has had traffic: its start need not wait for it.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    try:
        from scipy import special  # noqa: PLC0415  see above
    except (ImportError, OSError) as error:
        # No file descriptor or no memory is to be had. That is no record's fault, which is what any `Exception` counts
        # for: the worker ends, and the next one begins at the same record.
        raise SystemExit(f"SciPy cannot be loaded: {error}") from error

    function = globals()[name] = getattr(special, name)  # found without us from now on
    return function
