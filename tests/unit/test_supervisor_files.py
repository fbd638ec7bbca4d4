"""State, lock, logs and sockets: the files of the supervisor."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tidegate.parts.state import (
    Condition,
    PartState,
    Phase,
    StackState,
    read_state,
    running_state,
    supervisor_lock,
    write_state,
)
from tidegate.sockets import LONGEST, SocketFolderError, deployer_socket, make_socket_folder, runner_socket
from tidegate.supervisor.logs import rotate_in_place, said_error, tail


def test_the_state_reads_back_as_it_was_written(tmp_path: Path) -> None:
    part = PartState(name="sink", condition=Condition.FAILING, since=1.0, detail="é\nx", pid=4)
    state = StackState(pid=7, phase=Phase.STARTING, since=2.0, parts=(part,), urls={"a": "b"})

    write_state(tmp_path, state)

    assert read_state(tmp_path) == state
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_state_counts_only_while_its_supervisor_holds_the_lock(tmp_path: Path) -> None:
    write_state(tmp_path, StackState(pid=os.getpid(), phase=Phase.RUNNING, since=time.time()))

    with supervisor_lock(tmp_path):
        assert running_state(tmp_path) is not None
        with pytest.raises(BlockingIOError), supervisor_lock(tmp_path, patience_s=0.05):
            pass

    assert running_state(tmp_path) is None


def test_a_changed_bit_of_the_state_is_no_other_state(tmp_path: Path) -> None:
    """Signals are sent to the process that it names."""
    write_state(tmp_path, StackState(pid=12345, phase=Phase.RUNNING, since=time.time()))
    whole = (tmp_path / "state.json").read_bytes()
    for bit in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        (tmp_path / "state.json").write_bytes(changed)
        assert read_state(tmp_path) is None


HOLDER = """
import sys, time
from pathlib import Path
import tidegate.supervisor  # as the command line of a supervisor says
from tidegate.parts.state import supervisor_lock
with supervisor_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("damaged", [b"", b'{"v":2,"pid":1,"phase":"running"', None])
def test_a_supervisor_whose_state_is_damaged_is_found_all_the_same(tmp_path: Path, damaged: bytes | None) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        if damaged is not None:
            (tmp_path / "state.json").write_bytes(damaged)
        state = running_state(tmp_path)
        assert state is not None
        assert state.pid == holder.pid
        assert "cannot be read" in state.warnings[0]
        holder.stdin.close()
    assert running_state(tmp_path) is None


def test_no_state_or_a_broken_one_is_none(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    (tmp_path / "state.json").write_text('{"pid":')
    assert read_state(tmp_path) is None


def test_a_large_log_is_rotated_under_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "part.log"
    with path.open("ab", buffering=0) as writer:
        for generation in ("one", "two", "three", "four"):
            writer.write(f"{generation}\n".encode() * 100)
            assert rotate_in_place(path, max_bytes=200, kept=2)
        writer.write(b"now\n")

    assert not rotate_in_place(path, max_bytes=200, kept=2)
    assert path.read_text() == "now\n"
    assert (tmp_path / "part.log.1").read_text().startswith("four")
    assert (tmp_path / "part.log.2").read_text().startswith("three")
    assert not (tmp_path / "part.log.3").exists()


def test_the_tail_is_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "part.log"
    assert tail(path) == []
    path.write_text("\n".join(map(str, range(100))) + "\n")

    assert tail(path, 3) == ["97", "98", "99"]


def test_an_error_that_was_said_is_preferred_to_the_log() -> None:
    assert said_error(["noise", "error: first", "error: the port\nis taken", "more"]) == "the port\nis taken\nmore"
    assert said_error(["a", "b"]) == "a\nb"


def test_sockets_lie_in_the_run_folder_unless_that_is_too_long(tmp_path: Path) -> None:
    short, long = Path("/tmp/t/run"), tmp_path / ("x" * 120) / "run"

    assert runner_socket(short, "d0123456789ab") == Path("/tmp/t/run/r/d0123456789ab/s")
    moved = runner_socket(long, "d0123456789ab")
    assert len(os.fsencode(moved)) <= LONGEST
    assert moved.is_relative_to(tempfile.gettempdir())
    assert moved == runner_socket(long, "d0123456789ab")
    assert moved != runner_socket(long.parent / "run2", "d0123456789ab")


def _long_home(folder: Path) -> Path:
    return folder / ("x" * 120) / "run"


def _plant_link(place: Path, elsewhere: Path) -> None:
    elsewhere.mkdir(mode=0o700)
    place.symlink_to(elsewhere)


def _plant_open(place: Path, _: Path) -> None:
    place.mkdir()
    place.chmod(0o770)


def _plant_theirs(place: Path, _: Path) -> None:
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)


def _plant_file(place: Path, _: Path) -> None:
    place.touch(mode=0o600)


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        (_plant_link, "is a link"),
        (_plant_open, "is open to other users"),
        pytest.param(
            _plant_theirs,
            "belongs to another user",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can give a folder away"),
        ),
        (_plant_file, "is no folder"),
    ],
)
def test_what_another_user_planted_is_refused_by_all_who_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[Path, Path], None], says: str
) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    home = _long_home(tmp_path)
    expected = runner_socket(home, "d0123456789ab").parents[2]
    plant(expected, tmp_path / "elsewhere")
    for use in (make_socket_folder, deployer_socket, lambda path: runner_socket(path, "d0123456789ab")):
        with pytest.raises(SocketFolderError, match=rf"{says}.*TIDEGATE_HOME"):
            use(home)
    assert not any((tmp_path / "elsewhere").glob("*"))


def test_a_link_within_our_own_folder_is_refused_too(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t") as short:  # a long one has its sockets elsewhere
        run = Path(short)
        _plant_link(run / "r", tmp_path / "elsewhere")
        with pytest.raises(SocketFolderError, match="is a link"):
            make_socket_folder(run)


def test_a_stack_whose_place_is_taken_says_so(tmp_path: Path) -> None:
    """As `tidegate up` starts it."""
    shared = tmp_path / "tmp"
    shared.mkdir()
    home = tmp_path / ("x" * 120)
    digest = hashlib.sha256(os.fsencode(home / "run")).hexdigest()[:12]
    _plant_link(shared / f"tidegate-{os.getuid()}-{digest}", tmp_path / "elsewhere")
    env = {**os.environ, "TIDEGATE_HOME": str(home), "TMPDIR": str(shared)}
    done = subprocess.run([sys.executable, "-m", "tidegate.supervisor"], env=env, capture_output=True, check=False)
    state = read_state(home / "run")
    assert done.returncode == 1
    assert state is not None
    assert state.phase is Phase.FAILED
    assert "is a link, so another user could listen" in str(state.error)
    assert not any((tmp_path / "elsewhere").glob("*"))


def test_a_long_home_has_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = make_socket_folder(_long_home(tmp_path))
    assert folder == make_socket_folder(_long_home(tmp_path))
    assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent)} == {0o700}


def test_the_socket_folder_is_its_owners_only(tmp_path: Path) -> None:
    folder = make_socket_folder(tmp_path / "run")

    assert folder.stat().st_mode & 0o777 == 0o700
    assert make_socket_folder(tmp_path / "run") == folder
