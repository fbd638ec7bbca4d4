"""A model folder with nothing but a `predict.py`: it starts in the time of Python itself, and waits when it is told."""

import json
from pathlib import Path

NAME = "scripted"
_SCRIPT = """\
import os
import time


def load(folder):
    time.sleep({load_s})
    return int.from_bytes(os.urandom(4))


def predict(model, rows):
    time.sleep(max(row["wait"] for row in rows))
    return [model for row in rows]
"""


def write_scripted(folder: Path, serving: str, load_s: float = 0.0, name: str = NAME) -> Path:
    """It answers a number that its process drew when it loaded, after the seconds that the feature `wait` says.

    Args:
        serving: what stands in `[serving]`.
        load_s: seconds that it takes to load.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "predict.py").write_text(_SCRIPT.format(load_s=load_s))
    (folder / "tidegate.toml").write_text(f'name = "{name}"\n[features]\nwait = "numeric"\n[serving]\n{serving}\n')
    (folder / "test_data.json").write_text(json.dumps({"instances": [{"wait": 0.0}]}))
    return folder
