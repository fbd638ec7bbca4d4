"""Models that only their own `predict.py` can serve: its shapes, what it may answer, and each mistake in it."""

from pathlib import Path
from typing import Any

import joblib
import pytest

from model_runner.errors import ModelError
from tests.support.model_files import served
from tests.support.models import EXAMPLE, classifier, write_classifier

ROWS: list[dict[str, Any]] = [{"a": 1, "b": 2}, {"a": 3, "b": None}]
ONE = "def predict(rows):\n    return [row['a'] for row in rows]\n"


def _script(folder: Path, text: str) -> Path:
    (folder / "predict.py").write_text(text)
    return folder


def test_load_gives_the_model_of_any_file(tmp_path: Path) -> None:
    (tmp_path / "factor.csv").write_text("10")
    (tmp_path / "helper.py").write_text("def times(factor, row):\n    return factor * row['a'] + (row['b'] or 0)\n")
    text = (
        "from helper import times\n"
        "def load(folder):\n"
        "    return float((folder / 'factor.csv').read_text())\n"
        "def predict(model, rows):\n"
        "    return [times(model, row) for row in rows]\n"
    )
    report = served(_script(tmp_path, text), ROWS, expected=[12.0, 30.0])
    assert report.manifest.model_file.name == "predict.py"
    assert report.inputs.schema is not None
    assert report.inputs.schema.source == "test_data.json"


def test_a_plain_predict_works_too_and_the_toml_says_what_it_does(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text('task = "regression"\n')
    report = served(_script(tmp_path, ONE), ROWS, expected=[1, 3])
    assert (report.info.model, report.info.task) == ("predict.py", "regression")


def test_without_load_the_model_is_the_file_beside_it(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path)
    text = (
        "def predict(model, rows):\n"
        "    x = [[row['price'], row['demand'], row['transfer']] for row in rows]\n"
        "    return [{'up': p > 0.9, 'p': p} for p in model.predict_proba(x)[:, 1]]\n"
    )
    p = classifier().predict_proba([list(EXAMPLE.values())])[0, 1]
    report = served(_script(folder, text), [EXAMPLE])
    assert report.test_predictions == [{"up": bool(p > 0.9), "p": pytest.approx(p)}]


def test_an_object_without_predict_is_served_by_its_script(tmp_path: Path) -> None:
    joblib.dump({"weights": [2, 3]}, tmp_path / "model.joblib")
    text = "def predict(model, rows):\n    return [model['weights'][0] * row['a'] for row in rows]\n"
    assert served(_script(tmp_path, text), ROWS).test_predictions == [2, 6]


def test_whatever_json_can_hold_may_be_answered(tmp_path: Path) -> None:
    text = (
        "import datetime, decimal, enum\n"
        "import numpy as np, pandas as pd\n"
        "class Colour(enum.Enum):\n"
        "    RED = 'red'\n"
        "def predict(rows):\n"
        "    return [\n"
        "        {'n': np.int64(3), 'x': np.float32(0.5), 'nan': float('nan'), 'inf': np.inf, 'yes': np.bool_(True)},\n"
        "        [np.arange(4).reshape(2, 2), np.array([1.0, np.nan]), pd.Series(['a', None]), (1, {2})],\n"
        "        pd.DataFrame({'a': [1], 'b': [pd.NA]}),\n"
        "        {1: datetime.date(2026, 1, 2), 'd': decimal.Decimal('0.25'), 'e': Colour.RED, 'nat': pd.NaT},\n"
        "        'text',\n"
        "        None,\n"
        "    ][: len(rows)]\n"
    )
    assert served(_script(tmp_path, text), [{"a": 1}] * 6).test_predictions == [
        {"n": 3, "x": 0.5, "nan": None, "inf": None, "yes": True},
        [[[0, 1], [2, 3]], [1.0, None], ["a", None], [1, [2]]],
        [{"a": 1, "b": None}],
        {"1": "2026-01-02", "d": 0.25, "e": "red", "nat": None},
        "text",
        None,
    ]


def test_a_script_chooses_among_several_model_files(tmp_path: Path) -> None:
    for name in ("a.joblib", "b.joblib"):
        joblib.dump({"name": name}, tmp_path / name)
    text = (
        "import joblib\n"
        "def load(folder):\n"
        "    return joblib.load(folder / 'b.joblib')\n"
        "def predict(model, rows):\n"
        "    return [model['name']] * len(rows)\n"
    )
    assert served(_script(tmp_path, text), ROWS).test_predictions == ["b.joblib", "b.joblib"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def predict(rows:\n", ["predict.py: cannot be loaded: SyntaxError", "Correct predict.py"]),
        ("x = 1\n", ["has no function predict", "Write predict(model, rows) with load(folder), or predict(rows)"]),
        ("def predict():\n    pass\n", ["predict takes 0 arguments", "Write predict(model, rows)"]),
        ("async def predict(rows):\n    return rows\n", ["predict is async"]),
        ("def predict(model, rows):\n    return rows\n", ["gets no model", "Add load(folder)"]),
        (ONE + "def load(folder):\n    return 1\n", ["its predict(rows) takes no model", "Write predict(model, rows)"]),
        ("def load():\n    pass\ndef predict(m, rows):\n    pass\n", ["load takes 0 arguments", "Write load(folder)"]),
        ("def load(folder):\n    return 1 / 0\ndef predict(m, rows):\n    pass\n", ["ZeroDivisionError", "line 2"]),
        ("import notapackage.deep\n", ["needs the package 'notapackage'", "requirements.txt", "notapackage.py beside"]),
        ("import cv2\n", ["'opencv-python-headless'", "Put a line opencv-python-headless into requirements.txt"]),
        ("def predict(rows):\n    return [1]\n", ["test_data.json", "predict returned 1 predictions for 2 rows"]),
        ("def predict(rows):\n    return {'a': 1}\n", ["predict returned a dict for 1 rows", "one prediction a row"]),
        ("def predict(rows):\n    return [object()]\n", ["holds a object, which JSON has no form for"]),
        (
            "def predict(rows):\n    return [rows[0]['A']]\n",
            ["cannot predict its example: 'A' was looked for and is not there", "'a': 1"],
        ),
    ],
)
def test_each_mistake_is_told_with_its_fix(tmp_path: Path, text: str, says: list[str]) -> None:
    with pytest.raises(ModelError) as raised:
        served(_script(tmp_path, text), ROWS)
    for part in says:
        assert part in str(raised.value)


def test_a_library_that_is_missing_is_named_as_its_package(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("tree\n")
    # Beside the model, hence found first: as if it were not installed.
    (tmp_path / "lightgbm.py").write_text("raise ModuleNotFoundError('gone', name='lightgbm')\n")
    with pytest.raises(ModelError) as raised:
        served(tmp_path, ROWS)
    assert str(raised.value) == (
        "model.txt: needs the package 'lightgbm', which is not installed. Put a line lightgbm into requirements.txt"
    )
