"""How people save models: by Python's pickles, by skops, and in the formats of the libraries themselves."""

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np

BY_SCRIPT = """\
from catboost import {kind}


def load(folder):
    return {kind}().load_model(str(folder / "model.cbm"))


def predict(model, rows):
    return model.predict([list(row.values()) for row in rows]).ravel().tolist()
"""


def save(model: Any, folder: Path, suffix: str, asked: Any) -> None:
    """Write `model.<suffix>`, with what belongs to it.

    Raises:
        Exception: the library does not save such a model so.
    """
    path = folder / f"model.{suffix}"
    if hasattr(model, "data"):  # of ours, around one of a library
        model.save(folder, suffix)
    elif suffix == "pkl":
        path.write_bytes(pickle.dumps(model))
    elif suffix == "joblib":
        joblib.dump(model, path, compress=3)
    elif suffix == "skops":
        import skops.io

        skops.io.dump(model, path)
    elif suffix == "onnx":
        path.write_bytes(_converted(model, asked))
    elif suffix == "txt":
        model.booster_.save_model(path)
    else:
        model.save_model(str(path))
    if suffix == "cbm":
        (folder / "predict.py").write_text(BY_SCRIPT.format(kind=type(model).__name__))


def _converted(model: Any, asked: Any) -> bytes:
    from skl2onnx import to_onnx

    row = np.asarray(asked, dtype=np.float32)[:1]
    try:
        # Scores as a matrix, where the converter lets one choose.
        content: bytes = to_onnx(model, row, options={id(model): {"zipmap": False}}).SerializeToString()
    except NameError:
        content = to_onnx(model, row).SerializeToString()
    return content


def agrees(path: Path, model: Any, asked: Any) -> bool:
    """Whether a converted model, run by itself, answers what it was converted from does: all rows, and one."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    for rows in (asked, asked[:1]):
        own = np.asarray(model.predict(rows))
        try:
            found = session.run(None, {session.get_inputs()[0].name: np.asarray(rows, dtype=np.float32)})[0]
        except Exception:  # it cannot run what it was made into
            return False
        if len(found) != len(own) or np.size(found) != np.size(own):
            return False
        if not np.allclose(np.ravel(found), np.ravel(own), rtol=1e-3, atol=1e-6):
            return False
    return True
