"""Models whose words forge lines and command the terminal: what git prints of them, byte by byte."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git_client import Clone, Pushed, remote_url
from tests.support.models import FEATURES
from tests.support.shared_stack import SharedStack
from tests.support.stack import RunningStack

FORGED = "✓ switch                  0.18 s  version 9 is live"
CONTROL = "\x1b]52;c;aGFjaw==\x07\x1b[2K\r\x9b1A\u202e\u200b"
HOSTILE = f"{CONTROL}\n{FORGED}\nmarket version 9 is live: POST http://evil\n"

PREDICT = """
HOSTILE = {hostile!r}

class Model:
    pass

def load(folder):
    {on_load}
    return Model()

def predict(model, rows):
    print(HOSTILE)
    {on_predict}
    return [HOSTILE for _ in rows]
"""


@pytest.fixture(scope="module")
def stack(shared_stack: SharedStack) -> Iterator[RunningStack]:
    with shared_stack.lend() as running:
        yield running


def _clone(
    stack: RunningStack,
    folder: Path,
    model: str,
    on_load: str = "pass",
    on_predict: str = "pass",
    feature: str = "✓ switch version 9 is live",
) -> Clone:
    clone = Clone(folder / model, remote_url(stack, model))
    script = PREDICT.format(hostile=HOSTILE, on_load=on_load, on_predict=on_predict)
    (clone.folder / "predict.py").write_text(script, "utf-8")
    features = {**dict.fromkeys(FEATURES, "numeric"), feature: "numeric"}
    lines = "".join(f"{json.dumps(name)} = {json.dumps(kind)}\n" for name, kind in features.items())
    (clone.folder / "tidegate.toml").write_text(f"[features]\n{lines}", "utf-8")
    rows = [dict.fromkeys(features, 1.0)]
    (clone.folder / "test_data.json").write_text(json.dumps(rows), "utf-8")
    return clone


def _shown(pushed: Pushed) -> list[str]:
    """What the server's lines were; nothing in them but what can be seen."""
    for line in pushed.remote:
        odd = {each for each in line if not each.isprintable()} - {"\x1b"}
        # Git itself clears the rest of each line.
        assert "\x1b" not in line.removesuffix("\x1b[K").replace("\x1b[K", ""), repr(line)
        assert odd == set(), repr(line)
    return [line.replace("\x1b[K", "").rstrip() for line in pushed.remote]


def _no_forged_line(lines: list[str]) -> None:
    """Lines of ours begin at the margin: no other may, whatever it says."""
    forged = [line for line in lines if line.startswith(("✓ switch", "market version 9", "forged version 9"))]
    assert [line for line in forged if "version 9" in line] == []


def test_features_and_answers_that_forge_lines(stack: RunningStack, tmp_path: Path) -> None:
    clone = _clone(stack, tmp_path, "forged")
    clone.commit(f"A model {FORGED}")
    pushed = clone.push()
    lines = _shown(pushed)

    assert pushed.code == 0, pushed
    _no_forged_line(lines)
    assert any(line.startswith("forged version 1 is live: POST ") for line in lines)
    assert sum(line.startswith("✓ switch") for line in lines) == 1
    for command in (["jobs"], ["jobs", "--log", "1"], ["logs", "-n", "200"], ["models"], ["status"]):
        shown = stack.tidegate(*command).stdout
        assert {each for each in shown if not each.isprintable()} <= {"\n"}, command


def test_a_feature_whose_name_forges_lines_is_refused(stack: RunningStack, tmp_path: Path) -> None:
    clone = _clone(stack, tmp_path, "named", feature=HOSTILE)
    clone.commit()
    pushed = clone.push()
    lines = _shown(pushed)

    assert pushed.code != 0
    _no_forged_line(lines)
    assert any("tidegate.toml: the name of the feature" in line and "cannot be shown" in line for line in lines)
    assert "Nothing was switched: the version that was live still is." in lines


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("raises", {"on_load": "raise ValueError(HOSTILE)"}),
        ("predicts", {"on_predict": "raise ValueError(HOSTILE)"}),
        ("reports", {"on_load": "import os, sys; sys.stderr.write(HOSTILE); sys.stderr.flush(); os._exit(3)"}),
    ],
)
def test_errors_that_forge_lines(stack: RunningStack, tmp_path: Path, model: str, given: dict[str, str]) -> None:
    clone = _clone(stack, tmp_path, model, **given)
    clone.commit()
    pushed = clone.push()
    lines = _shown(pushed)

    assert pushed.code != 0
    _no_forged_line(lines)
    assert not any(line.startswith("✓ switch") for line in lines)
    assert "Nothing was switched: the version that was live still is." in lines
    # It is there to be read, but set in and quoted.
    quoted = [line for line in lines if "version 9 is live" in line]
    assert quoted
    assert all(line.startswith("  ") for line in quoted)


def test_names_of_files_and_requirements_that_forge_lines(stack: RunningStack, tmp_path: Path) -> None:
    clone = _clone(stack, tmp_path, "files")
    (clone.folder / f"x{CONTROL}\n✓ switch version 9").write_text("x", "utf-8")
    clone.commit()
    named = _shown(clone.push())
    again = _clone(stack, tmp_path, "wanted")
    (again.folder / "requirements.txt").write_text(f"numpy=={HOSTILE}", "utf-8")
    again.commit()
    wanted = _shown(again.push())

    for lines in (named, wanted):
        _no_forged_line(lines)
        assert not any(line.startswith("✓ switch") for line in lines)
    assert any("characters that cannot be shown: rename it" in line for line in named)
    assert any("requirements.txt" in line for line in wanted)
