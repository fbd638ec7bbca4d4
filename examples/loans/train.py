"""Trains the model of this example on generated applications and writes the folder that is deployed.

    python train.py OUTPUT

OUTPUT gets model.joblib, reference.parquet, test_data.json and tidegate.toml.
"""

import argparse
import json
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

HERE = Path(__file__).resolve().parent
NUMBERS = ["age", "income", "owns_home"]
TEXTS = ["region", "employment"]
FEATURES = [*NUMBERS, *TEXTS]
TARGET = "repaid"
ROWS = 8_000
TRAIN_SHARE = 0.7
SEED = 7
TEST_ROWS = 20


def applications(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Loan applications and whether they were repaid. Some leave the income or the region out."""
    income = rng.lognormal(np.log(30_000), 0.4, rows).round()
    employment = rng.choice(["employed", "self-employed", "none"], rows, p=[0.7, 0.2, 0.1])
    owns_home = rng.random(rows) < 0.4
    merit = (income - 25_000) / 10_000 + owns_home - 2 * (employment == "none")
    repaid = rng.random(rows) < 1 / (1 + np.exp(-merit))
    region = rng.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2]).astype(object)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "income": np.where(rng.random(rows) < 0.1, np.nan, income),
            "owns_home": owns_home,
            "region": np.where(rng.random(rows) < 0.05, None, region),
            "employment": employment,
            TARGET: repaid,
        }
    )


def train(rows: pd.DataFrame) -> Pipeline:
    """Trees that know categories and missing values. A category that they never met is a missing value to them."""
    numbers_of = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    encode = make_column_transformer((numbers_of, TEXTS), ("passthrough", NUMBERS))
    trees = HistGradientBoostingClassifier(max_iter=60, categorical_features=list(range(len(TEXTS))), random_state=SEED)
    return make_pipeline(encode, trees).fit(rows[FEATURES], rows[TARGET])


def write_model(folder: Path, model: Pipeline, reference: pd.DataFrame, test: pd.DataFrame) -> None:
    """The folder that is deployed."""
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    reference.to_parquet(folder / "reference.parquet", index=False)
    labels, scores = model.predict(test[FEATURES]).tolist(), model.predict_proba(test[FEATURES])[:, 1].tolist()
    tests = {
        # By way of JSON, because it writes a missing value as null.
        "instances": json.loads(test[FEATURES].to_json(orient="records")),
        "expected": [{"class": label, "score": score} for label, score in zip(labels, scores, strict=True)],
    }
    (folder / "test_data.json").write_text(json.dumps(tests, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(HERE / "tidegate.toml", folder / "tidegate.toml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder to write the model into")
    arguments = parser.parse_args()
    rows = applications(ROWS, np.random.default_rng(SEED))
    cut = round(TRAIN_SHARE * ROWS)
    reference, held_out = rows.iloc[:cut], rows.iloc[cut:]
    model = train(reference)
    write_model(arguments.output, model, reference, held_out.iloc[:TEST_ROWS])
    missing = int(reference[FEATURES].isna().any(axis=1).sum())
    print(f"trained on {len(reference):,} applications, {missing:,} of them with something missing")
    print(f"accuracy on {len(held_out):,} held-out ones: {model.score(held_out[FEATURES], held_out[TARGET]):.3f}")


if __name__ == "__main__":
    main()
