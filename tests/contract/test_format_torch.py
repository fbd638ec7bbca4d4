"""PyTorch's files: what each kind of them needs, and that each answers as PyTorch itself answers."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model_runner.errors import ModelError
from model_runner.formats import load
from tests.support.model_files import answers_of, load_answers, numeric_schema, served
from tests.support.pytorch import needs_torch

pytestmark = needs_torch

ROWS = [{"a": 0.5, "b": -0.25, "c": 1.0}, {"a": -2.0, "b": 0.5, "c": 0.0}, {"a": 1.0, "b": 1.0, "c": 1.0}]
ABC = numeric_schema("a", "b", "c")
NET = """
import torch

class Net(torch.nn.Module):
    def __init__(self, outputs: int = 2) -> None:
        super().__init__()
        self.dropout = torch.nn.Dropout(0.9)
        self.linear = torch.nn.Linear(3, outputs)

    def forward(self, x):
        return self.linear(self.dropout(x))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network of two outputs in every kind of file, as a training script of its own leaves them.

    Besides: `wanted.json`, its answers to ROWS, and `main.pt`, whose class was the script's.
    """
    folder = tmp_path_factory.mktemp("torch")
    (folder / "net.py").write_text(NET)
    (folder / "save.py").write_text(
        "import json, warnings\n"
        "import torch\n"
        "from net import Net\n"
        "warnings.simplefilter('ignore')\n"
        "torch.manual_seed(3)\n"
        "class Mine(Net):\n"
        "    pass\n"
        "net = Net().eval()\n"
        f"x = torch.tensor({[list(row.values()) for row in ROWS]})\n"
        "json.dump(net(x).tolist(), open('wanted.json', 'w'))\n"
        "torch.save(net.state_dict(), 'state.pt')\n"
        "torch.jit.save(torch.jit.script(net), 'script.pt')\n"
        "torch.save(net.train(), 'whole.pt')\n"
        "torch.save(Mine(), 'main.pt')\n"
        "net.eval()\n"
        "rows = ({0: torch.export.Dim('rows')},)\n"
        "torch.export.save(torch.export.export(net, (x,), dynamic_shapes=rows), 'any.pt2')\n"
        "torch.export.save(torch.export.export(net, (x[:2],)), 'two.pt2')\n"
        "class Sum(torch.nn.Module):\n"
        "    def forward(self, a, b):\n"
        "        return a + b\n"
        "torch.export.save(torch.export.export(Sum(), (x, x)), 'sum.pt2')\n"
    )
    subprocess.run([sys.executable, "save.py"], cwd=folder, check=True, timeout=120)
    return folder


@pytest.fixture
def wanted(files: Path) -> Any:
    import json

    return json.loads((files / "wanted.json").read_text())


def _copy(files: Path, folder: Path, *names: tuple[str, str]) -> Path:
    for source, target in names:
        (folder / target).write_bytes((files / source).read_bytes())
    return folder


def test_a_state_dict_with_a_script_is_served(files: Path, wanted: Any, tmp_path: Path) -> None:
    folder = _copy(files, tmp_path, ("state.pt", "model.pt"), ("net.py", "net.py"))
    (folder / "predict.py").write_text(
        "import torch\n"
        "from net import Net\n"
        "def load(folder):\n"
        "    net = Net()\n"
        "    net.load_state_dict(torch.load(folder / 'model.pt', weights_only=True))\n"
        "    return net.eval()\n"
        "def predict(model, rows):\n"
        "    x = torch.tensor([list(row.values()) for row in rows])\n"
        "    with torch.inference_mode():\n"
        "        return [{'y': y} for y in model(x)]\n"
    )
    report = served(folder, ROWS)
    assert [answer["y"] for answer in report.test_predictions] == [pytest.approx(row) for row in wanted]
    assert report.info.model == "predict.py with Net"


def test_a_state_dict_alone_says_what_is_lacking(files: Path, tmp_path: Path) -> None:
    folder = _copy(files, tmp_path, ("state.pt", "model.pt"))
    with pytest.raises(ModelError) as raised:
        load_answers(folder / "model.pt", ROWS, ABC)
    for text in ("model.pt", "weights without the network", "predict.py", "load_state_dict", "weights_only=True"):
        assert text in str(raised.value)


@pytest.mark.parametrize("name", ["script.pt", "any.pt2", "two.pt2"])
def test_files_with_their_network_answer_any_number_of_rows(
    files: Path, wanted: Any, tmp_path: Path, name: str
) -> None:
    suffix = Path(name).suffix
    folder = _copy(files, tmp_path, (name, f"model{suffix}"))
    for count in (1, 3):
        found = load_answers(folder / f"model{suffix}", ROWS[:count], ABC)
        assert found == [pytest.approx(row, abs=1e-6) for row in wanted[:count]]


def test_an_exported_program_is_served_with_its_own_columns(files: Path, wanted: Any, tmp_path: Path) -> None:
    folder = _copy(files, tmp_path, ("any.pt2", "model.pt2"))
    rows = [dict(zip(("x0", "x1", "x2"), row.values(), strict=True)) for row in ROWS]
    (folder / "tidegate.toml").write_text("[example]\nx0 = 1\nx1 = 2\nx2 = 3\n")
    report = served(folder, rows)
    assert report.test_predictions == [pytest.approx(row, abs=1e-6) for row in wanted]
    own = load(folder / "model.pt2").own_features()
    assert [feature.name for feature in own or ()] == ["x0", "x1", "x2"]


def test_a_whole_module_is_served_with_its_class_beside_it(files: Path, wanted: Any, tmp_path: Path) -> None:
    folder = _copy(files, tmp_path, ("whole.pt", "model.pt"), ("net.py", "net.py"))
    report = served(folder, ROWS)
    assert report.test_predictions == [pytest.approx(row, abs=1e-6) for row in wanted], "dropout must be off"


def test_a_class_of_the_training_script_is_named_with_the_fix(files: Path, tmp_path: Path) -> None:
    folder = _copy(files, tmp_path, ("main.pt", "model.pt"), ("net.py", "net.py"))
    with pytest.raises(ModelError, match=r"needs 'Mine', which was in the script that saved it.* Define Mine in"):
        served(folder, ROWS)


def test_a_program_of_several_inputs_needs_a_script(files: Path, tmp_path: Path) -> None:
    folder = _copy(files, tmp_path, ("sum.pt2", "model.pt2"))
    program = load(folder / "model.pt2")
    with pytest.raises(ModelError, match=r"takes 2 inputs .* add a predict\.py"):
        answers_of(program, ROWS, ABC)


def test_one_output_is_a_number_and_several_are_a_list() -> None:
    import torch

    from model_runner.formats.torch import Network

    for module, first in (
        (lambda x: x.sum(dim=1), 1.25),
        (lambda x: x.sum(dim=1, keepdim=True), 1.25),
        (lambda x: (x[:, 0], x[:, :2]), [0.5, [0.5, -0.25]]),
        (lambda x: {"top": x.argmax(dim=1), "log": torch.log(x[:, 1])}, {"top": 2, "log": None}),
    ):
        assert answers_of(Network(module), ROWS, ABC)[0] == first
    with pytest.raises(ValueError, match=r"shape \(\); its first size must be 3"):
        answers_of(Network(lambda x: x.sum()), ROWS, ABC)


def test_another_file_under_its_name_is_refused(files: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pt2").write_bytes((files / "state.pt").read_bytes())
    with pytest.raises(ModelError, match="is no exported program of PyTorch"):
        load(tmp_path / "model.pt2")
    (tmp_path / "model.pt").write_bytes((files / "any.pt2").read_bytes())
    with pytest.raises(ModelError, match=r"is an exported program\. Rename it to model\.pt2"):
        load(tmp_path / "model.pt")
