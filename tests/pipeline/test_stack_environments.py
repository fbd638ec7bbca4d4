"""A model of another scikit-learn than Tidegate's own: deployed, served, and served again another day."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from model_runner.environment.sealing import remove
from tests.support.environments import require_index, run_python, write_requirements
from tests.support.models import EXAMPLE, FEATURES, write_classifier
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

OTHER = "1.8.0"
MODEL = "of-another-time"
PATIENCE_S = 600
"""A request waits for its runner, which waits for its environment."""
TRAIN = """
import joblib, sys
import numpy as np
from sklearn.linear_model import LogisticRegression
x = np.random.default_rng(3).normal(size=(300, 3))
model = LogisticRegression().fit(x, np.where(x[:, 0] > 0, "UP", "DOWN"))
joblib.dump(model, r"{file}")
"""


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    require_index(tmp_path_factory.mktemp("probe"))
    # It is stopped, and started again.
    with shared_stack.lend(parts_end=True) as running:
        yield running


def _predict(stack: RunningStack) -> httpx.Response:
    return httpx.post(f"{stack.gateway_url}/v1/models/{MODEL}/predict", json=EXAMPLE, timeout=PATIENCE_S)


def _reference(rows: int = 300) -> str:
    lines = [",".join(FEATURES), *(f"{i / 100},{-i / 50},{i % 7}" for i in range(rows))]
    return "\n".join(lines) + "\n"


def test_a_model_of_another_scikit_learn_is_served_by_it_also_after_its_environment_is_gone(
    stack: RunningStack, tmp_path: Path
) -> None:
    folder = write_classifier(tmp_path / MODEL, toml=f'name = "{MODEL}"\n')
    (folder / "reference.csv").write_text(_reference())
    write_requirements(folder, f"scikit-learn=={OTHER}  # that of the training")

    first = stack.tidegate("deploy", str(folder))
    (environment,) = stack.json("environments")["environments"]

    for step in (
        "resolving 1 requirement",
        "installing",
        "compiling",
        f"{environment['key']} is built",
        "environment  ",
    ):
        assert step in first.stdout, first.stdout
    assert f"scikit-learn=={OTHER}" in environment["packages"]
    assert environment["used_by"] == [f"{MODEL} 1"]
    root = stack.settings.environments_path
    # The same model, fitted by the scikit-learn that serves it.
    trained = run_python(root / environment["key"] / "bin" / "python", TRAIN.format(file=folder / "model.joblib"))
    assert trained.returncode == 0, trained.stderr

    second = stack.json("deploy", str(folder))

    seconds = {stage["name"]: stage for stage in second["stages"]}
    assert seconds["environment"]["detail"].startswith(f"known: {environment['key']}")
    wait_until(lambda: _predict(stack).json().get("version") == 2, PATIENCE_S, "version 2")
    assert _predict(stack).json()["prediction"]["class"] == "UP"
    model = next(found for found in stack.json("models")["models"] if found["model"] == MODEL)
    log = (stack.settings.logs_path / f"runner-{model['deployment_id']}.log").read_text()
    assert f"scikit-learn {OTHER} LogisticRegression" in log

    stack.tidegate("down")
    remove(root / environment["key"])
    stack.tidegate("up")

    wait_until(lambda: _predict(stack).status_code == 200, PATIENCE_S, "the environment to be built again", every_s=0.2)
    assert _predict(stack).json()["version"] == 2
    assert [entry["key"] for entry in stack.json("environments")["environments"]] == [environment["key"]]


def test_a_deploy_whose_requirements_cannot_be_met_says_which_line(stack: RunningStack, tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "unmet", toml='name = "unmet"\n')
    write_requirements(folder, "scikit-learn", "--extra-index-url http://evil.example/simple")

    refused = stack.tidegate("deploy", str(folder), check=False)

    assert refused.returncode == 5
    assert "requirements.txt: line 2: the option '--extra-index-url' is not allowed" in refused.stderr
    assert "Stage: environment." in refused.stderr
    assert "unmet" not in json.dumps(stack.json("models")["models"])
