"""Trains the network of this example and writes the folder that is deployed.

    python train.py OUTPUT

OUTPUT gets model.pt (a state dict), net.py, predict.py, requirements.txt, tidegate.toml, reference.csv and
test_data.json. The data are those of examples/electricity, before the market changed.
"""

import argparse
import json
import shutil
from pathlib import Path

import pandas as pd
import torch
from net import FEATURES, DemandNet

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "electricity" / "data" / "electricity.csv.gz"
TARGET = "nswdemand_next"
CHANGE = 17_424
"""The first row, counted from 0, after the market opened."""
TRAIN_SHARE = 0.7
SEED = 7
STEPS = 300
TEST_ROWS = 20
BESIDE = ("net.py", "predict.py", "requirements.txt", "tidegate.toml")


def half_hours(data: pd.DataFrame) -> pd.DataFrame:
    """Each half-hour with the demand before it, and the one to foretell after it."""
    demand = data["nswdemand"]
    known = data.assign(nswdemand_before=demand.shift(1), **{TARGET: demand.shift(-1)})
    return known[[*FEATURES, TARGET]].iloc[:CHANGE].dropna()


def tensors(rows: pd.DataFrame) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs, shape (rows, 4), and targets, shape (rows,)."""
    x = torch.tensor(rows[FEATURES].to_numpy(), dtype=torch.float32)
    return x, torch.tensor(rows[TARGET].to_numpy(), dtype=torch.float32)


def train(rows: pd.DataFrame) -> DemandNet:
    """Full batches, a fixed number of steps."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    x, y = tensors(rows)
    net = DemandNet(x.mean(dim=0), x.std(dim=0))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
    return net.eval()


def write_model(folder: Path, net: DemandNet, reference: pd.DataFrame, test: pd.DataFrame) -> None:
    """The folder that is deployed."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), folder / "model.pt")
    reference.to_csv(folder / "reference.csv", index=False)
    with torch.inference_mode():
        expected = net(tensors(test)[0]).tolist()
    # By way of JSON, because it writes a missing value as null.
    tests = {"instances": json.loads(test[FEATURES].to_json(orient="records")), "expected": expected}
    (folder / "test_data.json").write_text(json.dumps(tests, indent=1) + "\n", encoding="utf-8")
    for name in BESIDE:
        shutil.copyfile(HERE / name, folder / name)


def error_of(predicted: torch.Tensor, rows: pd.DataFrame) -> float:
    """Mean absolute error."""
    return float((predicted - tensors(rows)[1]).abs().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder to write the model into")
    arguments = parser.parse_args()
    rows = half_hours(pd.read_csv(DATA)).sample(frac=1, random_state=SEED)
    cut = round(TRAIN_SHARE * len(rows))
    reference, held_out = rows.iloc[:cut], rows.iloc[cut:]
    net = train(reference)
    test = held_out.iloc[:TEST_ROWS].copy()
    test.loc[test.index[-1], "nswprice"] = None
    write_model(arguments.output, net, reference, test)
    x, _ = tensors(held_out)
    with torch.inference_mode():
        print(f"trained on {len(reference):,} half-hours")
        print(f"mean absolute error on {len(held_out):,} held-out ones: {error_of(net(x), held_out):.4f}")
        print(f'of "as now": {error_of(x[:, 2], held_out):.4f}')


if __name__ == "__main__":
    main()
