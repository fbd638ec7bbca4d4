"""What the operator lets one model ask for. Limits are a model's own words; these are not. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from model_runner.errors import ModelError
from model_runner.folder.manifest import Manifest
from model_runner.folder.toml_file import MOST_REPLICAS, TOML_FILE
from model_runner.limits import size_text


@dataclass(frozen=True)
class Maxima:
    """The most of each; infinity where the operator sets none."""

    memory_bytes: float = inf
    cpus: float = inf
    load_seconds: float = inf
    predict_seconds: float = inf
    replicas: int = MOST_REPLICAS


@dataclass(frozen=True)
class _Ask:
    key: str
    asked: float | None
    most: float
    setting: str
    unit: str = ""

    def text(self, value: float) -> str:
        return size_text(int(value)) if self.unit == "bytes" else f"{value:g}{self.unit}"


def refuse_above(manifest: Manifest, maxima: Maxima) -> None:
    """Raises ModelError: the folder asks for more of something than it may, with the maximum and who may change it."""
    for ask in _asks(manifest, maxima):
        if ask.asked is not None and ask.asked > ask.most:
            raise ModelError(
                TOML_FILE,
                f"{ask.key} {ask.text(ask.asked)} is more than one model may have here: {ask.text(ask.most)}",
                f"Ask for less; who runs this installation may allow more ({ask.setting})",
            )


def _asks(manifest: Manifest, maxima: Maxima) -> Iterator[_Ask]:
    limits = manifest.limits
    yield _Ask("[limits] memory", limits.memory_bytes, maxima.memory_bytes, "TIDEGATE_MAX_MODEL_MEMORY_MB", "bytes")
    yield _Ask("[limits] cpus", limits.cpus, maxima.cpus, "TIDEGATE_MAX_CPUS")
    yield _Ask("[limits] load_seconds", limits.load_seconds, maxima.load_seconds, "TIDEGATE_MAX_LOAD_SECONDS", " s")
    yield _Ask(
        "[limits] predict_seconds", limits.predict_seconds, maxima.predict_seconds, "TIDEGATE_MAX_PREDICT_SECONDS", " s"
    )
    yield _Ask("[serving] replicas", manifest.replicas, maxima.replicas, "TIDEGATE_MAX_REPLICAS")
