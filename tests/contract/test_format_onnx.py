"""ONNX models are answered as ONNX Runtime answers, in the shape that the same model has from other formats."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from model_runner.errors import ModelError
from model_runner.formats import load
from model_runner.schema.schema import Kind
from tests.support.model_files import answers_of, load_answers, mixed_frame, numeric_schema, served
from tests.support.models import classifier, training_data

ROWS = [{"a": 0.5, "b": -0.25, "c": 1.0}, {"a": -2.0, "b": 0.25, "c": 0.0}, {"a": 1.0, "b": 1.0, "c": 1.0}]
MATRIX = np.array([list(row.values()) for row in ROWS])
ABC = numeric_schema("a", "b", "c")


def _graph(
    folder: Path,
    nodes: Sequence[Any],
    inputs: Sequence[tuple[str, int, list[Any]]],
    outputs: Sequence[tuple[str, int, list[Any]]],
) -> Path:
    """A model by hand, for what no converter of ours makes."""
    named = [[helper.make_tensor_value_info(*each) for each in group] for group in (inputs, outputs)]
    model = helper.make_model(
        helper.make_graph(list(nodes), "g", *named), opset_imports=[helper.make_opsetid("", 18)], ir_version=9
    )
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.mark.parametrize("zipmap", [True, False])
def test_a_classifier_s_labels_and_probabilities(tmp_path: Path, zipmap: bool) -> None:
    model = classifier()
    x, _ = training_data()
    exported = to_onnx(model, x[:1].astype(np.float32), options={"zipmap": zipmap})
    (tmp_path / "model.onnx").write_bytes(exported.SerializeToString())
    loaded = load(tmp_path / "model.onnx")
    assert loaded.task == "classification"
    assert [feature.name for feature in loaded.own_features() or ()] == ["x0", "x1", "x2"]
    found = answers_of(loaded, ROWS, ABC)
    assert [answer["class"] for answer in found] == model.predict(MATRIX).tolist()
    assert [answer["score"] for answer in found] == pytest.approx(model.predict_proba(MATRIX)[:, 1].tolist(), abs=1e-5)


def test_an_input_a_feature_is_served_by_name(tmp_path: Path) -> None:
    frame = mixed_frame().dropna().assign(age=lambda each: each.index % 50)
    frame = frame.astype({"size": np.float32, "city": str})
    encode = make_column_transformer(
        (StandardScaler(), ["size", "age"]), (OneHotEncoder(handle_unknown="ignore"), ["city"])
    )
    columns = ["size", "age", "city"]
    model = make_pipeline(encode, LogisticRegression()).fit(frame[columns], frame["y"])
    (tmp_path / "model.onnx").write_bytes(to_onnx(model, frame[columns][:1]).SerializeToString())
    rows: list[dict[str, Any]] = [
        {"size": 0.5, "age": 3, "city": "bonn"},
        {"size": -1.0, "age": 40, "city": "ulm"},
    ]
    report = served(tmp_path, rows)
    wanted = model.predict_proba(frame[columns][:0].from_records(rows))[:, 1]
    assert [answer["score"] for answer in report.test_predictions] == pytest.approx(wanted.tolist(), abs=1e-5)
    assert "skl2onnx" in report.info.model
    own = load(tmp_path / "model.onnx").own_features()
    assert own is not None
    assert [(each.name, each.kind, each.nullable) for each in own] == [
        ("size", Kind.NUMERIC, True),
        ("age", Kind.NUMERIC, False),
        ("city", Kind.CATEGORICAL, True),
    ]


def test_a_regression_gives_numbers_and_many_outputs_lists(tmp_path: Path) -> None:
    x, _ = training_data()
    for target in (x[:, 0], x[:, :2]):
        model = LinearRegression().fit(x, target)
        (tmp_path / "model.onnx").write_bytes(to_onnx(model, x[:1].astype(np.float32)).SerializeToString())
        found = load_answers(tmp_path / "model.onnx", ROWS, ABC)
        assert np.array(found) == pytest.approx(model.predict(MATRIX), abs=1e-5)


def test_several_outputs_are_named_and_nan_is_null(tmp_path: Path) -> None:
    nodes = [helper.make_node("Sqrt", ["x"], ["root"]), helper.make_node("Neg", ["x"], ["minus"])]
    column = (TensorProto.FLOAT, ["rows", 1])
    path = _graph(tmp_path, nodes, [("x", *column)], [("root", *column), ("minus", *column)])
    assert load_answers(path, [{"x": 4.0}, {"x": -1.0}]) == [
        {"root": 2.0, "minus": -4.0},
        {"root": None, "minus": 1.0},
    ]


def test_a_model_of_one_batch_size_answers_any_number_of_rows(tmp_path: Path) -> None:
    path = _graph(
        tmp_path,
        [helper.make_node("Neg", ["x"], ["y"])],
        [("x", TensorProto.FLOAT, [2, 3])],
        [("y", TensorProto.FLOAT, [2, 3])],
    )
    assert load_answers(path, ROWS, ABC) == [[-value for value in row.values()] for row in ROWS]


def test_whole_numbers_are_not_cut(tmp_path: Path) -> None:
    path = _graph(
        tmp_path,
        [helper.make_node("Neg", ["n"], ["y"])],
        [("n", TensorProto.INT64, ["rows"])],
        [("y", TensorProto.INT64, ["rows"])],
    )
    assert load_answers(path, [{"n": 3.0}, {"n": 2**60 + 1}]) == [-3, -(2**60) - 1]
    for value in (1.5, None):
        with pytest.raises(ValueError, match="whole numbers for 'n'"):
            load_answers(path, [{"n": value}])


def test_an_image_needs_a_script_which_gets_the_session(tmp_path: Path) -> None:
    shape = ["rows", 2, 2]
    path = _graph(
        tmp_path, [helper.make_node("Neg", ["image"], ["y"])], [("image", 1, shape)], [("y", TensorProto.FLOAT, shape)]
    )
    with pytest.raises(ValueError, match=r"'image' has the shape \['rows', 2, 2\].* predict\.py"):
        load_answers(path, [{"image": 1}], numeric_schema("image"))
    (tmp_path / "predict.py").write_text(
        "import numpy as np\n"
        "def predict(session, rows):\n"
        "    images = np.array([row['image'] for row in rows], dtype=np.float32)\n"
        "    return session.run(None, {'image': images})[0].sum(axis=(1, 2))\n"
    )
    report = served(tmp_path, [{"image": [[1, 2], [3, 4]]}])
    assert report.test_predictions == [-10.0]
    assert report.inputs.schema is None, "no feature can be a list"
    load_stage = next(stage for stage in report.stages if stage.name == "load")
    assert "NO INPUT SCHEMA" in load_stage.detail


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model at all")
    with pytest.raises(ModelError, match=r"model\.onnx: ONNX Runtime .* cannot load it: .* Export it again"):
        served(tmp_path, ROWS)
