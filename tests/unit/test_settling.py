"""What the files say of the inputs, brought together with what the model was fitted on."""

import re
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from model_runner.errors import ModelError
from model_runner.folder.manifest import read_manifest
from model_runner.folder.reference import Reference, read_reference
from model_runner.folder.schema_source import ModelInputs, inputs_of
from model_runner.formats.pickled import load
from model_runner.formats.sklearn_memory import remembered
from model_runner.schema.schema import Holds, InputSchema, Kind, Null

PEOPLE = pd.DataFrame({"age": [20, 30, 40, 50] * 10, "income": [1.5, 2.5, 3.5, 4.5] * 10})
PAID = pd.Series(["no", "yes"] * 20, name="paid")


def settled(folder: Path, model: Any, reference: pd.DataFrame, toml: str = "", **csv: Any) -> ModelInputs:
    joblib.dump(model, folder / "model.joblib")
    (folder / "tidegate.toml").write_text(toml)
    reference.to_csv(folder / "reference.csv", **{"index": False, **csv})
    return inputs_of(read_manifest(folder, "m"), load(folder / "model.joblib"))


def schema_of(inputs: ModelInputs) -> InputSchema:
    assert inputs.schema is not None
    return inputs.schema


def left_out(inputs: ModelInputs) -> dict[str, str]:
    return {each.name: each.reason for each in schema_of(inputs).left_out}


def reference_of(folder: Path) -> Reference:
    found = read_reference(read_manifest(folder, "m"))
    assert found is not None
    return found


def test_what_a_model_was_not_fitted_on_is_left_out_with_the_reason(tmp_path: Path) -> None:
    model = LogisticRegression().fit(PEOPLE, PAID)
    beside = PEOPLE.assign(paid=PAID, customer=[7 * number % 41 for number in range(40)])
    inputs = settled(tmp_path, model, beside, index=True)
    assert schema_of(inputs).names == ("age", "income")
    assert left_out(inputs) == {
        "Unnamed: 0": "the index of pandas",
        "paid": "the target: its values are the model's classes",
        "customer": "the model was not fitted on it",
    }
    assert inputs.example == {"age": 20, "income": 1.5}
    assert reference_of(tmp_path).settled(inputs.schema).rows(0, 1) == [inputs.example]
    (tmp_path / "reference.csv").unlink()
    beside.set_index("customer").to_parquet(tmp_path / "reference.parquet")
    inputs = inputs_of(read_manifest(tmp_path, "m"), load(tmp_path / "model.joblib"))
    assert left_out(inputs)["customer"] == "the index of pandas"
    assert schema_of(inputs).names == ("age", "income")


ODD = {
    "day": [date(2026, 1, 31)] * 40,
    "at": [time(9, 30)] * 40,
    "tags": [["a", "b"]] * 40,
    "took": [timedelta(seconds=3)] * 40,
    "raw": [b"x"] * 40,
}
"""Of types that no feature can have."""


def of_parquet(folder: Path, model: Any, frame: pd.DataFrame, toml: str = "") -> ModelInputs:
    joblib.dump(model, folder / "model.joblib")
    (folder / "tidegate.toml").write_text(toml)
    frame.to_parquet(folder / "reference.parquet")
    return inputs_of(read_manifest(folder, "m"), load(folder / "model.joblib"))


def test_columns_that_can_be_no_feature_are_left_out_where_the_model_was_not_fitted_on_them(tmp_path: Path) -> None:
    beside = PEOPLE.assign(income=[Decimal(str(each)) for each in PEOPLE["income"]], **ODD)
    named = of_parquet(tmp_path, LogisticRegression().fit(PEOPLE, PAID), beside)
    assert schema_of(named).names == ("age", "income")
    assert left_out(named) == dict.fromkeys(ODD, "the model was not fitted on it")
    assert named.example == {"age": 20, "income": 1.5}
    counted = of_parquet(tmp_path, LogisticRegression().fit(PEOPLE.to_numpy(), PAID), beside.assign(paid=PAID))
    assert schema_of(counted).names == ("age", "income")
    assert left_out(counted)["day"] == "is of type date32[day], which no feature can have"
    assert set(left_out(counted)) == {*ODD, "paid"}
    declared = of_parquet(tmp_path, DummyClassifier().fit(PEOPLE, PAID), beside, '[features]\nage = "numeric"\n')
    assert schema_of(declared).names == ("age",)


@pytest.mark.parametrize("column", list(ODD))
def test_columns_that_can_be_no_feature_are_refused_where_they_are_wanted(tmp_path: Path, column: str) -> None:
    beside = PEOPLE.assign(**{column: ODD[column]})
    wanted = [
        (DummyClassifier().fit(beside, PAID), ""),
        (DummyClassifier().fit(PEOPLE.assign(third=1).to_numpy(), PAID), ""),
        (DummyClassifier().fit(PEOPLE, PAID), f'[features]\n{column} = "categorical"\n'),
    ]
    for model, toml in wanted:
        with pytest.raises(ModelError) as refused:
            of_parquet(tmp_path, model, beside, toml)
        assert refused.value.file == "reference.parquet"
        assert re.match(rf"column '{column}' is of type .+, which no feature can have$", refused.value.problem)
        assert f'[reference] ignore = ["{column}"]' in refused.value.fix


def test_of_columns_that_are_not_there_nothing_is_said_of_those_that_can_be_no_feature(tmp_path: Path) -> None:
    fitted = LogisticRegression().fit(PEOPLE.assign(third=1), PAID)
    assert "day" in schema_of(of_parquet(tmp_path, fitted, PEOPLE.assign(day=ODD["day"]))).names


def test_a_model_without_names_finds_its_target_by_its_classes_alone(tmp_path: Path) -> None:
    model = LogisticRegression().fit(PEOPLE.to_numpy(), PAID)
    found = settled(tmp_path, model, PEOPLE.assign(paid=PAID), index=True)
    assert set(left_out(found)) == {"Unnamed: 0", "paid"}
    assert schema_of(found).names == ("age", "income")
    # Two columns could be it, or none: nobody guesses.
    twin = settled(tmp_path, model, PEOPLE.assign(paid=PAID, bought=PAID))
    assert left_out(twin) == {}
    price = settled(tmp_path, LinearRegression().fit(PEOPLE.to_numpy(), PAID == "no"), PEOPLE.assign(price=1.5))
    assert schema_of(price).names == ("age", "income", "price")


def test_an_index_that_the_model_was_fitted_on_is_a_feature(tmp_path: Path) -> None:
    numbered = PEOPLE.assign(**{"Unnamed: 0": range(40)})[["Unnamed: 0", "age", "income"]]
    model = LogisticRegression().fit(numbered, PAID)
    inputs = settled(tmp_path, model, PEOPLE, index=True)
    assert schema_of(inputs).names == ("Unnamed: 0", "age", "income")
    assert left_out(inputs) == {}


def test_declared_features_are_all_there_are(tmp_path: Path) -> None:
    toml = '[features]\nage = "numeric"\nincome = "numeric"\nnote = { type = "categorical", required = false }\n'
    inputs = settled(tmp_path, LogisticRegression().fit(PEOPLE, PAID), PEOPLE.assign(paid=PAID), toml)
    assert schema_of(inputs).names == ("age", "income", "note")
    assert [feature.dtype for feature in schema_of(inputs).features] == ["int64", "float64", ""]
    assert left_out(inputs) == {"paid": "[features] in tidegate.toml does not name it"}


CODES = pd.DataFrame({"code": ["1", "2", "3", "2"] * 10, "size": [1.0, 2.0, 3.0, 4.0] * 10})


def encoding(columns: list[str]) -> Any:
    transformer = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), columns), remainder="passthrough")
    return make_pipeline(transformer, LinearRegression())


def test_text_that_a_csv_shows_as_numbers_is_text_again(tmp_path: Path) -> None:
    model = encoding(["code"]).fit(CODES, CODES["size"])
    inputs = settled(tmp_path, model, CODES)
    code = schema_of(inputs).features[0]
    assert (code.kind, code.holds, code.dtype) == (Kind.CATEGORICAL, Holds.STRING, "")
    assert inputs.example == {"code": "1", "size": 1.0}
    assert reference_of(tmp_path).settled(inputs.schema).columns["code"][:3] == ["1", "2", "3"]


def test_columns_that_are_not_what_the_model_was_fitted_on_are_refused_with_what_to_declare(tmp_path: Path) -> None:
    versions = CODES.assign(code=["1.10", "1.20", "2.0", "2.1"] * 10)
    with pytest.raises(ModelError, match=r"fitted on text such as '1.10' for 'code'.*as \"categorical\"") as raised:
        settled(tmp_path, encoding(["code"]).fit(versions, versions["size"]), versions)
    assert raised.value.file == "reference.csv"
    toml = '[features]\ncode = "categorical"\nsize = "numeric"\n'
    settled(tmp_path, encoding(["code"]).fit(versions, versions["size"]), versions, toml)
    assert reference_of(tmp_path).columns["code"][:2] == ["1.10", "1.20"]
    zips = CODES.assign(code=[1067, 4109, 99084, 4109] * 10)
    padded = zips.assign(code=zips["code"].map("{:05d}".format))
    with pytest.raises(ModelError, match=r"fitted on whole numbers such as 1067 for 'code'.*as \"numeric\""):
        settled(tmp_path, encoding(["code"]).fit(zips, zips["size"]), padded)
    settled(tmp_path, encoding(["code"]).fit(zips, zips["size"]), padded, toml.replace("categorical", "numeric"))
    assert reference_of(tmp_path).columns["code"][:2] == [1067, 4109]


@pytest.mark.parametrize(
    ("model", "null"),
    [
        (encoding(["code"]), Null.NONE),
        (make_pipeline(GridSearchCV(encoding(["code"]), {}, cv=2)), Null.NONE),
        (make_pipeline(OrdinalEncoder(), RandomForestClassifier(2)), Null.NONE),
        (make_pipeline(SimpleImputer(missing_values=None, strategy="most_frequent"), DummyClassifier()), Null.NONE),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(), DummyClassifier()), Null.NAN),
    ],
)
def test_missing_text_is_what_the_encoder_met(tmp_path: Path, model: Any, null: Null) -> None:
    missing = {Null.NONE: None, Null.NAN: np.nan}[null]
    texts = pd.DataFrame({"code": pd.Series(["a", "b", missing, "b"] * 10, dtype=object)})
    inputs = settled(tmp_path, model.fit(texts, [0, 1, 0, 1] * 10), texts)
    assert schema_of(inputs).features[0].null is null


def test_a_model_alone_knows_what_its_encoders_met(tmp_path: Path) -> None:
    mixed = CODES.assign(store=[3, 7, 3, 9] * 10)
    joblib.dump(encoding(["code", "store"]).fit(mixed, mixed["size"]), tmp_path / "model.joblib")
    inputs = inputs_of(read_manifest(tmp_path, "m"), load(tmp_path / "model.joblib"))
    assert [(each.name, each.kind, each.dtype) for each in schema_of(inputs).features] == [
        ("code", Kind.CATEGORICAL, ""),
        ("size", Kind.NUMERIC, ""),
        ("store", Kind.NUMERIC, "int64"),
    ]


def test_no_estimator_is_too_strange_to_be_asked() -> None:
    class Strange:
        steps = (("a", 1),)
        transformers_ = "no list"
        categories_ = None
        statistics_ = 3

        def fit(self) -> None: ...

    for each in (None, 3, Strange(), Strange, LinearRegression()):
        assert remembered(each, ["a"]) == {}
