"""Trains the model of this example and writes the folder that `tidegate deploy` takes.

    python train.py OUTPUT [--traffic FOLDER]

OUTPUT gets model.joblib, reference.csv, test_data.json and tidegate.toml. The training data, which is also the
reference, is a seeded random 70 % of the rows before data row 17,424. `--traffic` writes what the model has not seen:
`quiet.csv` (the other 30 %, in a seeded random order) and `changed.csv` (the rows from 17,424 on, in theirs).
"""

import argparse
import json
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent
DATA = HERE / "data" / "electricity.csv.gz"
FEATURES = ["period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"]
TARGET = "price_up"
CHANGE = 17_424
"""The first row, counted from 0, after the market opened."""
TRAIN_SHARE = 0.7
SEED = 17_424
TEST_ROWS = 20


def split(data: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Rows to train on, held-out rows of the same time in random order, and the rows after the change."""
    order = np.random.default_rng(SEED).permutation(CHANGE)
    cut = round(TRAIN_SHARE * CHANGE)
    return data.iloc[order[:cut]], data.iloc[order[cut:]], data.iloc[CHANGE:]


def train(rows: pd.DataFrame) -> Pipeline:
    """Does the price rise against its mean of the last 24 hours?"""
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(rows[FEATURES], rows[TARGET])


def write_model(folder: Path, model: Pipeline, reference: pd.DataFrame, test: pd.DataFrame) -> None:
    """The folder that is deployed."""
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    reference[[*FEATURES, TARGET]].to_csv(folder / "reference.csv", index=False)
    instances = test[FEATURES].to_dict("records")
    (folder / "test_data.json").write_text(json.dumps({"instances": instances}, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(HERE / "tidegate.toml", folder / "tidegate.toml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder to write the model into")
    parser.add_argument("--traffic", type=Path, help="folder to write the rows that it has not seen into")
    arguments = parser.parse_args()
    reference, quiet, changed = split(pd.read_csv(DATA))
    model = train(reference)
    write_model(arguments.output, model, reference, quiet.iloc[:TEST_ROWS])
    if arguments.traffic is not None:
        arguments.traffic.mkdir(parents=True, exist_ok=True)
        quiet[FEATURES].to_csv(arguments.traffic / "quiet.csv", index=False)
        changed[FEATURES].to_csv(arguments.traffic / "changed.csv", index=False)
    print(f"trained on {len(reference):,} rows of {len(FEATURES)} features")
    for name, rows in (("held-out rows", quiet), ("rows after the change", changed)):
        print(f"accuracy on {len(rows):,} {name}: {model.score(rows[FEATURES], rows[TARGET]):.3f}")


if __name__ == "__main__":
    main()
