"""The supervisor ends while a model is checked in its hands: the model is not to blame, and nobody waits for it."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_runner.checking.check import check_model
from tests.support.scripted import write_scripted
from tidegate.candidates.candidate import Place, candidate
from tidegate.candidates.connection import HostGoneError
from tidegate.candidates.protocol import Started, encode
from tidegate.sockets import candidates_socket, make_socket_folder


@pytest.fixture
def run_path(tmp_path: Path) -> Iterator[Path]:
    """Of a supervisor that ends as soon as it has started one."""
    path = tmp_path / "run"
    make_socket_folder(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(candidates_socket(path)))
        listener.listen()
        thread = threading.Thread(target=_start_and_end, args=(listener, tmp_path / "m"))
        thread.start()
        yield path
        thread.join()


def _start_and_end(listener: socket.socket, folder: Path) -> None:
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as lines:
        lines.readline()
        connection.sendall(encode(Started(folder=str(folder))))


def test_it_is_told_before_the_time_to_load_is_over(run_path: Path, tmp_path: Path) -> None:
    folder = write_scripted(tmp_path / "m", "")
    files = ["predict.py", "tidegate.toml", "test_data.json"]
    gone = pytest.raises(HostGoneError, match="the stack ended while the model was checked: deploy it again")
    with gone, candidate(run_path, folder, files, lambda: Place("d1", "default", "scripted")) as host:
        check_model(folder, timeout_s=20.0, host=host)
