"""Which file of a folder is taken for the model."""

from pathlib import Path

import pytest

from model_runner.errors import ModelError
from model_runner.folder.manifest import read_manifest

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 12345\n"
)


def _folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["model.joblib"], "model.joblib"),
        (["model.ubj", "scaler.pkl"], "model.ubj"),
        (["classifier.pkl", "notes.txt", "test_data.json", "requirements.txt", ".hidden.pkl"], "classifier.pkl"),
        (["model.json", "test_data.json", "config.json"], "model.json"),
        (["model.txt", "requirements.txt"], "model.txt"),
        (["predict.py", "weights.bin"], "predict.py"),
        (["predict.py", "model.pt"], "model.pt"),
        (["predict.py", "model.pkl", "model.onnx"], "predict.py"),
        (["predict.py", "encoder.pt", "decoder.pt"], "predict.py"),
    ],
)
def test_the_model_file_is_found(tmp_path: Path, names: list[str], chosen: str) -> None:
    manifest = read_manifest(_folder(tmp_path, *names), name="m")
    assert manifest.model_file.name == chosen
    assert (manifest.predict_file is not None) == ("predict.py" in names)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["model.pkl", "model.joblib"], ["model.pkl and model.joblib", "Keep the one", "predict.py"]),
        (["a.pkl", "b.onnx"], ["a.pkl and b.onnx", "Name the one to be served model.pkl"]),
        (["test_data.json", "reference.csv"], ["no model file", "model.joblib", "model.onnx", "predict.py"]),
        (["config.json", "notes.txt"], ["no model file"]),
        (
            ["README.md", ".old/model.pkl", "models/loans v2/model.joblib"],
            ["model.joblib is in models/loans v2. Deploy", "git subtree push --prefix='models/loans v2' <remote> main"],
        ),
    ],
)
def test_no_model_file_or_too_many_are_refused(tmp_path: Path, names: list[str], says: list[str]) -> None:
    with pytest.raises(ModelError) as raised:
        read_manifest(_folder(tmp_path, *names), name="m")
    for text in says:
        assert text in str(raised.value)


@pytest.mark.parametrize("name", ["model.joblib", "reference.csv", "test_data.json"])
def test_a_pointer_of_git_lfs_is_refused(tmp_path: Path, name: str) -> None:
    (_folder(tmp_path, "model.joblib") / name).write_text(POINTER)
    with pytest.raises(ModelError, match=rf"{name}: is a Git LFS pointer.*git lfs pull"):
        read_manifest(tmp_path, name="m")


def test_a_file_that_only_begins_like_a_pointer_is_none(tmp_path: Path) -> None:
    (tmp_path / "model.joblib").write_text(POINTER + "x" * 1024)
    assert read_manifest(tmp_path, name="m").model_file.name == "model.joblib"
