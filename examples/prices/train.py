"""Trains the boosted trees of this example and writes the folder that is deployed.

    python train.py OUTPUT

OUTPUT gets model.ubj, requirements.txt, tidegate.toml, reference.csv and test_data.json. The data are those of
examples/electricity, before the market changed.
"""

import argparse
import json
import shutil
from pathlib import Path

import pandas as pd
import xgboost

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "electricity" / "data" / "electricity.csv.gz"
FEATURES = ["period", "nswprice", "nswdemand"]
"""What varies before the change."""
TARGET = "price_up"
CHANGE = 17_424
"""The first row, counted from 0, after the market opened."""
TRAIN_SHARE = 0.7
SEED = 7
TEST_ROWS = 20


def train(rows: pd.DataFrame) -> xgboost.XGBClassifier:
    """Does the price rise against its mean of the last 24 hours?"""
    model = xgboost.XGBClassifier(n_estimators=60, max_depth=4, learning_rate=0.2, random_state=SEED, n_jobs=1)
    return model.fit(rows[FEATURES], rows[TARGET])


def write_model(folder: Path, model: xgboost.XGBClassifier, reference: pd.DataFrame, test: pd.DataFrame) -> None:
    """The folder that is deployed."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_model(folder / "model.ubj")
    reference[[*FEATURES, TARGET]].to_csv(folder / "reference.csv", index=False)
    scores = model.predict_proba(test[FEATURES])[:, 1].tolist()
    expected = [{"class": int(score > 0.5), "score": score} for score in scores]
    tests = {"instances": test[FEATURES].to_dict("records"), "expected": expected}
    (folder / "test_data.json").write_text(json.dumps(tests, indent=1) + "\n", encoding="utf-8")
    for name in ("requirements.txt", "tidegate.toml"):
        shutil.copyfile(HERE / name, folder / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder to write the model into")
    arguments = parser.parse_args()
    rows = pd.read_csv(DATA).iloc[:CHANGE].sample(frac=1, random_state=SEED)
    cut = round(TRAIN_SHARE * len(rows))
    reference, held_out = rows.iloc[:cut], rows.iloc[cut:]
    model = train(reference)
    write_model(arguments.output, model, reference, held_out.iloc[:TEST_ROWS])
    print(f"trained on {len(reference):,} half-hours of {len(FEATURES)} features")
    print(f"accuracy on {len(held_out):,} held-out ones: {model.score(held_out[FEATURES], held_out[TARGET]):.3f}")


if __name__ == "__main__":
    main()
