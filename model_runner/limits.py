"""What a model may take: memory, CPUs, and time to load and to predict. `[limits]` in tidegate.toml says otherwise."""

import re
from dataclasses import dataclass

from model_runner.errors import ModelError

_UNITS = {"MB": 1000**2, "GB": 1000**3, "MIB": 1024**2, "GIB": 1024**3}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_LEAST = 256 * 1000**2
_MOST_NUMBER = 1e9
_FILE = "tidegate.toml"


@dataclass(frozen=True)
class Limits:
    """Bounds of one runner process."""

    memory_bytes: int = 2 * 1000**3
    """Of what it writes to: its own code and files that it only reads do not count."""
    cpus: float | None = None
    """None: as many as the machine has, though arithmetic uses one thread."""
    load_seconds: float | None = None
    """None: what the stack allows (TIDEGATE_RUNNER_START_TIMEOUT_S)."""
    predict_seconds: float | None = None
    """None: no bound of the runner's own; the gateway gives a request up after TIDEGATE_RUNNER_TIMEOUT_S."""

    @property
    def memory(self) -> str:
        """For people."""
        return size_text(self.memory_bytes)

    @property
    def threads(self) -> int:
        """How many threads arithmetic may use."""
        return 1 if self.cpus is None else max(1, int(self.cpus))


DEFAULT_LIMITS = Limits()


def size_text(size: int) -> str:
    """2000000000 as `2 GB`."""
    return f"{size / 1000**3:g} GB" if size >= 1000**3 else f"{size / 1000**2:g} MB"


def parse_size(text: str) -> int:
    """`"2GB"`, `"512 MiB"` as bytes.

    Raises:
        ValueError: it is no size, or too small for any Python process.
    """
    match = _SIZE.fullmatch(text.strip())
    unit = None if match is None else _UNITS.get(match[2].upper())
    if match is None or unit is None:
        raise ValueError(f'{text!r} is no size: write "2GB" or "512MB"')
    number = float(match[1])
    if number > _MOST_NUMBER:
        raise ValueError(f"{text[:20]!r} is more than any machine has")
    size = int(number * unit)
    if size < _LEAST:
        raise ValueError(f"{text!r} is less than the {size_text(_LEAST)} that Python and NumPy need")
    return size


def over_memory(file: str, limits: Limits, doing: str) -> ModelError:
    """The error of a model that wanted more memory, `doing` being `was loaded` or `predicted`."""
    return ModelError(
        file,
        f"the model used more than {limits.memory} while it {doing}",
        f'Raise [limits] memory in {_FILE} (memory = "{size_text(2 * limits.memory_bytes).replace(" ", "")}")',
    )


def over_load_time(file: str, seconds: float) -> ModelError:
    """The error of a model that was not loaded in time."""
    fix = f"Make it load faster, or raise [limits] load_seconds in {_FILE}"
    return ModelError(file, f"was not loaded within {seconds:g} s", fix)


def over_predict_time(file: str, limits: Limits) -> ModelError:
    """The error of a prediction that took too long."""
    fix = f"Make it faster, send fewer instances, or raise [limits] predict_seconds in {_FILE}"
    return ModelError(file, f"the model was at it for more than {limits.predict_seconds:g} s", fix)
