"""The functions of `scipy.special`, by their names there.

SciPy is loaded by the first that is asked for. It costs a fifth of a second of CPU, and a worker has nothing to measure
until a deployment has had traffic: its start need not wait for it.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    from scipy import special  # noqa: PLC0415  see above

    function = globals()[name] = getattr(special, name)  # found without us from now on
    return function
