"""What the operator lets one model ask for, and values of tidegate.toml that only its writer would bound."""

from pathlib import Path

import pytest

from model_runner.errors import ModelError
from model_runner.folder.manifest import read_manifest
from model_runner.folder.maxima import Maxima, refuse_above
from model_runner.folder.toml_file import MOST_BYTES
from tests.support.models import write_classifier

MANY = ", ".join(['"x"'] * 10_001)
MAXIMA = Maxima(memory_bytes=8 * 10**9, cpus=4, load_seconds=600, predict_seconds=60, replicas=16)


@pytest.mark.parametrize(
    ("lines", "says", "setting"),
    [
        (
            '[limits]\nmemory = "9000GB"',
            "[limits] memory 9000 GB is more than one model may have here: 8 GB",
            "TIDEGATE_MAX_MODEL_MEMORY_MB",
        ),
        ("[limits]\ncpus = 5", "[limits] cpus 5 is more than one model may have here: 4", "TIDEGATE_MAX_CPUS"),
        ("[limits]\nload_seconds = 1e7", "load_seconds 1e+07 s is more", "TIDEGATE_MAX_LOAD_SECONDS"),
        ("[limits]\npredict_seconds = 61", "predict_seconds 61 s is more", "TIDEGATE_MAX_PREDICT_SECONDS"),
        ("[serving]\nreplicas = 64", "[serving] replicas 64 is more", "TIDEGATE_MAX_REPLICAS"),
    ],
)
def test_what_is_above_a_maximum_is_refused_with_it_and_who_may_change_it(
    tmp_path: Path, lines: str, says: str, setting: str
) -> None:
    manifest = read_manifest(write_classifier(tmp_path, toml=f"{lines}\n"))
    with pytest.raises(ModelError) as raised:
        refuse_above(manifest, MAXIMA)
    assert raised.value.file == "tidegate.toml"
    assert says in raised.value.problem
    assert raised.value.fix == f"Ask for less; who runs this installation may allow more ({setting})"


def test_what_is_at_the_maximum_may_be(tmp_path: Path) -> None:
    toml = '[limits]\nmemory = "8GB"\ncpus = 4\nload_seconds = 600\npredict_seconds = 60\n[serving]\nreplicas = 16\n'
    refuse_above(read_manifest(write_classifier(tmp_path, toml=toml)), MAXIMA)
    refuse_above(read_manifest(write_classifier(tmp_path, toml="")), MAXIMA)


@pytest.mark.parametrize(
    "lines",
    [
        "[limits]\nload_seconds = inf",
        "[limits]\nload_seconds = nan",
        "[limits]\nload_seconds = 1e12",
        "[limits]\npredict_seconds = inf",
        "[limits]\ncpus = inf",
        "[limits]\ncpus = nan",
        f'[limits]\nmemory = "{"9" * 400}GB"',
        f'[limits]\nmemory = "0.{"0" * 400}1GB"',
        "[serving]\nreplicas = 65",
        "[serving]\nidle_seconds = inf",
        "[drift]\npsi_threshold = inf",
        "[drift]\npsi_threshold = nan",
        f'task = "{"x" * 201}"',
        f'[mask]\nfields = ["{"x" * 1001}"]',
        f"[mask]\nfields = [{MANY}]",
        f"[scan]\nallow = [{MANY}]",
        f"[reference]\nignore = [{MANY}]",
        f"x = {'[' * 5000}{']' * 5000}",
        f"# {'x' * MOST_BYTES}",
    ],
)
def test_values_without_an_end_are_refused_in_words(tmp_path: Path, lines: str) -> None:
    folder = write_classifier(tmp_path, toml=f"{lines}\n")
    with pytest.raises(ModelError) as raised:
        read_manifest(folder)
    assert raised.value.file == "tidegate.toml"
    assert len(str(raised.value)) < 1000
