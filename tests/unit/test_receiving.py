"""A folder on this machine, deployed by its path: what it may hold, and what happens to it while it is copied."""

import os
import socket
from pathlib import Path

import pytest

from model_runner.folder.bounds import FolderBounds, FolderError
from tidegate.deployer.pipeline.receiving import model_files, receive

BOUNDS = FolderBounds(entries=100, bytes=1_000_000, reserve_bytes=0)


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.pkl").write_bytes(b"12345")
    (folder / "sub" / "more.py").write_bytes(b"1")
    return folder


def _link(folder: Path) -> None:
    (folder / "x").symlink_to("/etc/passwd")


def _folder_link(folder: Path) -> None:
    (folder / "x").symlink_to("/etc", target_is_directory=True)


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "x")


def _device(folder: Path) -> None:
    try:
        os.mknod(folder / "x", 0o20600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


def _socket(folder: Path) -> None:
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("x")


def _sparse(folder: Path) -> None:
    with (folder / "x").open("wb") as file:
        file.truncate(10**12)


def _many(folder: Path) -> None:
    for number in range(100):
        (folder / f"x{number}").touch()


def _deep(folder: Path) -> None:
    (folder / "/".join(["d"] * 70)).mkdir(parents=True)


def _odd_name(folder: Path) -> None:
    (folder / "x\x1b[2K\u202e").touch()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_link, "x is a link: replace it"),
        (_folder_link, "x is a link: replace it"),
        (_pipe, "x is a named pipe"),
        (_device, "x is a device"),
        (_socket, "x is a socket"),
        (_sparse, "more than 1,000,000 bytes"),
        (_many, "more than 100 files and folders"),
        (_deep, "folders deep"),
        (_odd_name, "cannot be shown"),
    ],
)
def test_what_cannot_be_taken_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: object, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = _folder(tmp_path)
    assert callable(spoil)
    spoil(folder)
    with pytest.raises(FolderError, match=says) as raised:
        model_files(folder, BOUNDS)

    assert str(raised.value).isprintable()


def test_hidden_files_and_caches_are_left_out_and_not_counted(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / ".git").mkdir()
    (folder / "__pycache__").mkdir()
    for number in range(200):
        (folder / ".git" / f"x{number}").touch()
        (folder / "__pycache__" / f"x{number}").touch()

    assert model_files(folder, BOUNDS) == {"model.pkl": 5, "sub/more.py": 1}


@pytest.mark.parametrize("now", [b"1234567", b"123"])
def test_a_file_that_changes_while_it_is_copied_is_refused(tmp_path: Path, now: bytes) -> None:
    folder = _folder(tmp_path)
    files = model_files(folder, BOUNDS)
    (folder / "model.pkl").write_bytes(now)
    (tmp_path / "copy").mkdir()
    with pytest.raises(FolderError, match="changed while it was copied"):
        receive(folder, files, tmp_path / "copy", BOUNDS)


def test_what_took_a_files_place_is_neither_followed_nor_waited_for(tmp_path: Path) -> None:
    for number, put in enumerate((_link, _pipe)):
        folder = _folder(tmp_path / str(number))
        (folder / "x").write_bytes(b"x")
        files = model_files(folder, BOUNDS)
        (folder / "x").unlink()
        put(folder)
        copy = tmp_path / f"copy{number}"
        copy.mkdir()
        with pytest.raises(FolderError, match=r"x (cannot be read|changed)"):
            receive(folder, files, copy, BOUNDS)


def test_a_disk_without_room_is_said_before_anything_is_copied(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (tmp_path / "copy").mkdir()
    with pytest.raises(FolderError, match="TIDEGATE_DISK_RESERVE_MB"):
        receive(folder, model_files(folder, BOUNDS), tmp_path / "copy", FolderBounds(reserve_bytes=10**18))

    assert list((tmp_path / "copy").iterdir()) == []
