"""ONNX models, by ONNX Runtime on the CPU. They run no code of ours or of Python's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime

from model_runner.errors import ModelError
from model_runner.formats.answers import per_row, scores_of, to_json
from model_runner.formats.fixed_batch import in_pieces
from model_runner.formats.onnx_inputs import OnnxInputs
from model_runner.model import Predict, Row
from model_runner.schema.fitted import Fitted
from model_runner.schema.schema import Feature, InputSchema


class OnnxModel:
    """A session in memory."""

    def __init__(self, session: Any) -> None:
        self.native = session
        self._inputs = OnnxInputs(session.get_inputs())
        self._outputs = session.get_outputs()

    @property
    def description(self) -> str:
        producer = self.native.get_modelmeta().producer_name
        return f"ONNX Runtime {onnxruntime.__version__}" + (f", a model of {producer}" if producer else "")

    @property
    def task(self) -> str:
        return "classification" if self._classifies() else "other"

    def own_features(self) -> tuple[Feature, ...] | None:
        return self._inputs.features()

    def fitted(self) -> Fitted:
        """The names of the inputs, where there are several."""
        return Fitted(self._inputs.names())

    def bind(self, schema: InputSchema | None) -> Predict:
        feed = self._inputs.builder(schema)
        answer = _classes if self._classifies() else self._plain

        def predict(rows: Sequence[Row]) -> list[Any]:
            return answer(self.native.run(None, feed(rows)), len(rows))

        return in_pieces(predict, self._inputs.batch)

    def _classifies(self) -> bool:
        """A label a row, then probabilities: as maps, or as an array with a column per class."""
        if len(self._outputs) != 2:
            return False
        label, scores = self._outputs
        is_label = label.type in {"tensor(string)", "tensor(int64)"} and len(label.shape) == 1
        as_array = scores.type in {"tensor(float)", "tensor(double)"} and len(scores.shape) == 2
        return is_label and (scores.type.startswith("seq(map(") or as_array)

    def _plain(self, found: list[Any], rows: int) -> list[Any]:
        if len(found) == 1:
            return per_row(found[0], rows)
        return per_row({output.name: each for output, each in zip(self._outputs, found, strict=True)}, rows)


def load(path: Path) -> OnnxModel:
    """Load an ONNX file, and the files of external data that it names.

    Raises:
        ModelError: it is none, or needs more than ONNX Runtime has.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: its warnings are about its own optimisations
    # A batch of a few rows is slower on many threads, and other runners share the cores.
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class of their own
        said = str(error).split(" : ", 2)[-1].replace(str(path), path.name)
        fix = "Export it again, for an opset that this version has, with operators of ONNX alone"
        raise ModelError(path.name, f"ONNX Runtime {onnxruntime.__version__} cannot load it: {said}", fix) from error
    return OnnxModel(session)


def _classes(found: list[Any], rows: int) -> list[Any]:
    labels, scores = to_json(found[0]), found[1]
    if not isinstance(scores, list):
        per_row(scores, rows)  # refuses another number of rows
        return [{"class": label, "score": score} for label, score in zip(labels, scores_of(scores), strict=True)]
    return [{"class": label, "score": _score(label, each)} for label, each in zip(labels, scores, strict=True)]


def _score(label: Any, probabilities: dict[Any, float]) -> Any:
    """Of a map by class: that of the second of two, of the answered one of more."""
    values = list(probabilities.values())
    return to_json(values[1] if len(values) == 2 else probabilities.get(label, max(values)))
