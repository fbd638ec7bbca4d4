"""A model that is large on disk and small in memory."""

from pathlib import Path

import numpy as np

SCRIPT = """def load(folder):
    return (folder / "weights.bin").stat().st_size


def predict(model, rows):
    return [model for _ in rows]
"""


def write_weights(folder: Path, megabytes: int, seed: int) -> None:
    """A predict.py that answers the size of the file beside it, whose bytes nothing can compress."""
    (folder / "predict.py").write_text(SCRIPT)
    rng = np.random.default_rng(seed)
    with (folder / "weights.bin").open("wb") as file:
        for _ in range(megabytes):
            file.write(rng.bytes(1_000_000))
