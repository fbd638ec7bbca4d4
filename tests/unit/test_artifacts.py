"""Artifacts: content-keyed, complete or absent, fetched once."""

from pathlib import Path

import pytest

from storage import artifacts
from storage.artifact_removal import INDEX


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "data").mkdir(parents=True)
    (folder / "model.pkl").write_bytes(b"\x80\x05N.")
    (folder / "data" / "names.txt").write_text("a\nb\n")
    (folder / "secret.env").write_text("not asked for")
    return folder


FILES = ["model.pkl", "data/names.txt"]


def test_a_folder_comes_back_with_the_named_files_only(model: Path, tmp_path: Path) -> None:
    artifact = artifacts.put(model, FILES, (tmp_path / "store").as_uri())
    fetched = artifacts.fetch(artifact.url, artifact.sha256, tmp_path / "cache")
    found = {str(path.relative_to(fetched)): path.read_bytes() for path in fetched.rglob("*") if path.is_file()}
    assert found == {"model.pkl": b"\x80\x05N.", "data/names.txt": b"a\nb\n"}


def test_the_same_files_have_the_same_url_and_changed_ones_another(model: Path, tmp_path: Path) -> None:
    store = (tmp_path / "store").as_uri()
    first = artifacts.put(model, FILES, store)
    assert artifacts.put(model, reversed(FILES), store) == first
    (model / "model.pkl").write_bytes(b"other")
    assert artifacts.put(model, FILES, store).url != first.url


def test_a_fetched_artifact_needs_no_store(model: Path, tmp_path: Path) -> None:
    artifact = artifacts.put(model, FILES, (tmp_path / "store").as_uri())
    first = artifacts.fetch(artifact.url, artifact.sha256, tmp_path / "cache")
    (tmp_path / "store").rename(tmp_path / "gone")
    assert artifacts.fetch(artifact.url, artifact.sha256, tmp_path / "cache") == first


def test_an_unfinished_artifact_is_missing(model: Path, tmp_path: Path) -> None:
    artifact = artifacts.put(model, FILES, (tmp_path / "store").as_uri())
    (tmp_path / "store" / artifact.sha256 / INDEX).unlink()
    with pytest.raises(artifacts.ArtifactError, match="deploy the model again"):
        artifacts.fetch(artifact.url, artifact.sha256, tmp_path / "cache")
    assert artifacts.put(model, FILES, (tmp_path / "store").as_uri()) == artifact
    artifacts.fetch(artifact.url, artifact.sha256, tmp_path / "cache")


def test_changed_bytes_are_refused_and_leave_nothing(model: Path, tmp_path: Path) -> None:
    artifact = artifacts.put(model, FILES, (tmp_path / "store").as_uri())
    (tmp_path / "store" / artifact.sha256 / "model.pkl").write_bytes(b"evil")
    with pytest.raises(artifacts.ArtifactError, match=r"model\.pkl .* was changed"):
        artifacts.fetch(artifact.url, artifact.sha256, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "absent.pkl", "link.pkl"])
def test_only_regular_files_of_the_folder_are_stored(model: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").write_text("x")
    (model / "link.pkl").symlink_to(tmp_path / "outside")
    with pytest.raises(artifacts.ArtifactError):
        artifacts.put(model, [name], (tmp_path / "store").as_uri())


def test_a_store_with_a_larger_file_fills_no_disk(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "COPY_BYTES", 2)
    artifact = artifacts.put(model, FILES, (tmp_path / "store").as_uri())
    stored = tmp_path / "store" / artifact.sha256 / "data" / "names.txt"
    stored.chmod(0o600)
    with stored.open("ab") as file:
        file.truncate(10**12)
    fetched = artifacts.fetch(artifact.url, artifact.sha256, tmp_path / "cache")

    assert (fetched / "data" / "names.txt").read_bytes() == b"a\nb\n"
