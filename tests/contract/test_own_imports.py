"""What may be imported before a folder's own Python is there: only what it imports itself before all else."""

import subprocess
import sys
from pathlib import Path

import pytest

from model_runner.folder.manifest import read_manifest
from model_runner.folder.own_imports import LIBRARIES, first_imports

SCRIPT = "predict.py"


def _of(folder: Path, files: dict[str, str]) -> tuple[str, ...]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return first_imports(read_manifest(folder, name="m"))


ACTS = 'import os\nos.environ["OMP_NUM_THREADS"] = "4"\n'

NOTHING_BEFORE = {
    "the example's": (
        '"""Words.\n\nMore, of "load".\n"""\n\nfrom pathlib import Path\nfrom typing import (\n    Any,  # what\n)\n'
        "import torch  # first\nfrom net import A, B as C\nimport pandas\n",
        ("torch",),
    ),
    "by the other module": (
        "import inert\nimport torch\nimport pandas as pd\n" + ACTS,
        ("numpy", "torch", "pandas"),
    ),
    "a module of the library's": ("from sklearn.pipeline import Pipeline\nimport torch\n", ("sklearn",)),
    "what may be one": ("from torch import nn\nimport pandas\n", ("torch",)),
    "twice": ("import inert\nimport inert\nimport torch\n", ("numpy", "torch")),
    "a mark, and lines of Windows": ("\ufeffimport torch\r\nimport pandas\r\nx = 1\r\n", ("torch", "pandas")),
    "no library": ("import json\n", ()),
    "the encoding that it has": ("# -*- coding: utf-8 -*-\nimport torch\n", ("torch",)),
}
SOMETHING_BEFORE = {
    "a setting": ACTS + "import torch\n",
    "a setting on the line": 'import os; os.environ["A"] = "1"\nimport torch\n',
    "a setting in the other module": "from acts import A\nimport torch\n",
    "a setting behind a carriage return": '# words\rimport os\ros.putenv("A", "1")\rimport torch\n',
    "a setting behind a string": '"""Words.""" + __import__("os").name\nimport torch\n',
    "a setting in another encoding": "# coding: utf-7\n# +AAo-import acts\nimport torch\n",
    "an unknown library": "import transformers\nimport torch\n",
    "a part of a package": "from package.part import A\nimport torch\n",
    "a name that Python has": "from . import acts\nimport torch\n",
    "a condition": "if True:\n    import acts\nimport torch\n",
    "no Python": "import torch torch\n",
    "very much": "#" * 70_000 + "\nimport torch\n",
}
BESIDE = {
    "net.py": "import torch\n\nA = B = 1\n",
    "inert.py": "'''no'''\n".replace("'", '"') + "import numpy\n",
    "acts.py": ACTS,
    "package/__init__.py": "",
    "package/part.py": ACTS,
}


@pytest.mark.parametrize("case", NOTHING_BEFORE)
def test_what_comes_first(tmp_path: Path, case: str) -> None:
    text, expected = NOTHING_BEFORE[case]
    assert _of(tmp_path, {**BESIDE, SCRIPT: text}) == expected


@pytest.mark.parametrize("case", SOMETHING_BEFORE)
def test_nothing_where_something_else_comes_first(tmp_path: Path, case: str) -> None:
    assert _of(tmp_path, {**BESIDE, SCRIPT: SOMETHING_BEFORE[case]}) == ()


@pytest.mark.parametrize(
    "beside", ["torch.py", "statistics.py", "numpy/data.txt", "net.pyc", "net.so", "mine-1.dist-info/METADATA"]
)
def test_nothing_where_the_folder_may_have_what_a_library_asks_for(tmp_path: Path, beside: str) -> None:
    assert _of(tmp_path, {SCRIPT: "import torch\n", beside: ""}) == ()


def test_what_loads_a_file_imports_its_library_first(tmp_path: Path) -> None:
    (tmp_path / "model.pt").touch()
    assert _of(tmp_path, {"tidegate.toml": ""}) == ()
    assert _of(tmp_path, {"net.py": ACTS}) == ("torch",)


def test_each_case_is_as_python_has_it(tmp_path: Path) -> None:
    """Libraries that do nothing but tell when they are imported, and what was set by then."""
    tells = "import os\nprint(__name__, os.environ.get('OMP_NUM_THREADS', ''))\n"
    for name in (*LIBRARIES, "transformers"):
        (tmp_path / "libraries" / name).mkdir(parents=True)
        (tmp_path / "libraries" / name / "__init__.py").write_text(tells + "A = B = nn = Pipeline = 1\n")
    (tmp_path / "libraries" / "sklearn" / "pipeline.py").write_text("Pipeline = 1\n")
    for case, (text, expected) in NOTHING_BEFORE.items():
        folder = tmp_path / case
        assert _of(folder, {**BESIDE, SCRIPT: text}) == expected
        code = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(tmp_path / 'libraries')!r}]; import predict"
        done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, env={}, check=True)
        told = done.stdout.splitlines()
        assert told[: len(expected)] == [f"{name} " for name in expected], case


def test_modules_that_import_the_next_without_end_are_followed_so_far(tmp_path: Path) -> None:
    chain = {f"m{number}.py": f"import m{number + 1}\n" for number in range(2000)}
    files = {SCRIPT: "import torch\nimport m0\nimport pandas\n", **chain, "m2000.py": "import numpy\n"}
    assert _of(tmp_path, files) == ("torch",)
