"""Real environments by real uv: what is in them, sealed, shared, built once, never half, and removed in time."""

import os
import re
import shutil
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from model_runner.environment import (
    LOCK_FILE,
    EnvironmentBuildError,
    PreparedEnvironment,
    Store,
    at_hand,
    evict,
    prepare,
    restore,
)
from model_runner.environment.runner_copy import remove_old_copies, runner_copy
from model_runner.environment.uv import listen
from model_runner.errors import ModelError
from model_runner.process.launch import HOST_PYTHON
from tests.support.children import Child
from tests.support.environments import (
    OTHER_SMALL,
    SMALL,
    builder,
    require_index,
    run_python,
    store_in,
    write_requirements,
)
from tests.support.waiting import wait_until
from tidegate.home.environments import running

ATTACK = """
import os, humanize
print(humanize.__cached__)
os.chdir(os.path.dirname(humanize.__file__))
if os.getuid() == 0:
    os.setuid(65534)  # root may write whatever the modes say
for attempt in (
    lambda: open("__init__.py", "w"),
    lambda: open("new.py", "w"),
    lambda: os.remove("__init__.py"),
    lambda: os.rename("../humanize", "../other"),
):
    try:
        attempt()
    except Exception as error:
        print(type(error).__name__)
"""
"""What a model might do to the packages of others."""
VERSION = "from importlib.metadata import version; print(version('humanize'))"


@pytest.fixture(scope="module", autouse=True)
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    require_index(tmp_path_factory.mktemp("probe"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_in(tmp_path_factory.mktemp("environments"))


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_requirements(tmp_path_factory.mktemp("small"), SMALL)


@pytest.fixture(scope="module")
def small(small_folder: Path, store: Store, told: list[str]) -> PreparedEnvironment:
    """An environment of one small package and what the runner needs."""
    return prepare(small_folder, store, told.append)


def test_an_environment_holds_what_was_asked_for_and_nothing_of_tidegate(
    small: PreparedEnvironment, store: Store
) -> None:
    python = small.python.executable
    assert run_python(python, VERSION).stdout == "4.9.0\n"
    assert small.environment is not None
    assert [package.split("==")[0] for package in small.environment.packages] == ["humanize", "msgspec", "numpy"]
    assert python.is_relative_to(store.folder(small.environment.key))
    for module in ("tidegate", "gateway", "fastapi", "pip"):
        assert "ModuleNotFoundError" in run_python(python, f"import {module}").stderr, module


def test_every_step_of_a_build_is_told(small: PreparedEnvironment, told: list[str]) -> None:
    assert small.environment is not None
    starts = (
        "resolving 1 requirement",
        "resolved to 3",
        "installing 3",
        "compiling",
        f"environment {small.environment.key} is built",
    )
    heard = [next((i for i, line in enumerate(told) if line.startswith(start)), -1) for start in starts]
    assert heard == sorted(heard)
    assert heard[0] == 0, told


def test_nobody_can_change_an_environment_and_its_bytecode_is_there(small: PreparedEnvironment) -> None:
    root = small.python.executable.parents[1]
    found = [path for path in (root, *root.rglob("*")) if not path.is_symlink()]
    assert [path for path in found if path.stat().st_mode & 0o222] == []
    assert [path for path in found if not path.stat().st_mode & 0o004] == [], "a runner may have a user of its own"
    written = run_python(small.python.executable, ATTACK).stdout.splitlines()
    assert written[0].endswith(".pyc")
    assert Path(written[0]).is_file(), "compiled when it was built"
    assert written[1:] == ["PermissionError"] * 4


def test_the_same_packages_are_the_same_environment_however_they_are_written(
    small: PreparedEnvironment, store: Store, tmp_path: Path
) -> None:
    lines: list[str] = []
    same = write_requirements(tmp_path, "# other words", "Humanize == 4.9.0  # the same", "numpy>=1.20")
    assert prepare(same, store, lines.append) == small
    assert not any("installing" in line for line in lines)
    assert at_hand(same, store) == small
    other = prepare(write_requirements(tmp_path / "other", OTHER_SMALL), store)
    assert other.environment is not None
    assert small.environment is not None
    assert other.environment.key != small.environment.key
    assert run_python(other.python.executable, VERSION).stdout == "4.8.0\n"


def test_another_machine_builds_the_same_from_what_was_kept_with_the_model(
    small: PreparedEnvironment, small_folder: Path, tmp_path: Path
) -> None:
    folder, there = shutil.copytree(small_folder, tmp_path / "m"), store_in(tmp_path / "there")
    write_requirements(folder, "what is wanted now is not asked for again")
    assert at_hand(folder, there) is None
    second = restore(folder, there)
    assert small.environment is not None
    assert second.environment is not None
    assert second.environment.key == small.environment.key
    assert second.python.executable.is_relative_to(there.root)
    found = at_hand(folder, there)
    assert found == second


def test_a_folder_that_tidegate_itself_satisfies_gets_no_environment(store: Store, tmp_path: Path) -> None:
    before = len(store.entries())
    satisfied = write_requirements(tmp_path / "a", f"scikit-learn=={version('scikit-learn')}", "pandas>=2")
    (satisfied / LOCK_FILE).write_text("left by an earlier check")
    (tmp_path / "b").mkdir()
    for folder in (satisfied, tmp_path / "b"):
        assert prepare(folder, store).python == HOST_PYTHON
        assert at_hand(folder, store) == restore(folder, store) == PreparedEnvironment(HOST_PYTHON)
        assert not (folder / LOCK_FILE).exists()
    assert len(store.entries()) == before


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["msgspec==0.18.0"], r"line 1: msgspec==0.18.0 conflicts with msgspec==.* Remove the line"),
        (["humanize==4.9.0", "humanize==4.8.0"], r"humanize==4.8.0.*Correct the versions"),
        (["humanize==0.0.99"], r"no version of humanize==0.0.99"),
        (["docopt==0.6.2"], r"no usable wheels.*nothing is built from source"),
    ],
)
def test_requirements_that_cannot_be_met_are_refused_with_the_reason(
    store: Store, tmp_path: Path, lines: list[str], says: str
) -> None:
    folder = write_requirements(tmp_path, *lines)
    with pytest.raises(ModelError) as caught:
        prepare(folder, store)
    assert caught.value.file == "requirements.txt"
    assert re.search(says, str(caught.value)), str(caught.value)
    assert not (folder / LOCK_FILE).exists()


def test_an_index_that_is_away_is_not_the_models_fault_and_its_password_is_not_told(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:t0psecret@127.0.0.1:1/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    lines: list[str] = []
    empty = Store(store.root, tmp_path / "downloads")
    with pytest.raises(EnvironmentBuildError, match="reachable") as caught:
        prepare(write_requirements(tmp_path, "humanize==4.7.0"), empty, lines.append)
    assert "t0psecret" not in str(caught.value) + "".join(lines)


def test_an_index_that_is_away_is_not_needed_for_what_it_was_asked_before(
    small: PreparedEnvironment, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = write_requirements(tmp_path / "again", SMALL)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_INDEX", "")
    monkeypatch.setenv("UV_FIND_LINKS", "")
    told: list[str] = []

    assert prepare(again, Store(store.root, tmp_path / "no-downloads"), told.append) == small
    assert any("Taking what was resolved for the same requirements before" in line for line in told)


@pytest.fixture(scope="module")
def often_damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store]:
    """A folder and the store that has its environment, whole at first and after each restoring."""
    scratch = tmp_path_factory.mktemp("damaged")
    folder, store = write_requirements(scratch / "m", SMALL), Store(scratch / "store", scratch / "downloads")
    prepare(folder, store)
    return folder, store


@pytest.mark.parametrize("damage", ["cut", "zeros", "gone"])
def test_an_environment_that_a_power_loss_damaged_is_built_anew(often_damaged: tuple[Path, Store], damage: str) -> None:
    folder, mine = often_damaged
    about = prepare(folder, mine).environment
    assert about is not None
    assert mine.is_whole(about.key)
    hurt = next((mine.folder(about.key)).rglob("humanize/time.py"))
    content = hurt.read_bytes()
    hurt.parent.chmod(0o700)
    hurt.unlink()
    if damage != "gone":
        hurt.write_bytes(content[:100] if damage == "cut" else bytes(len(content)))
    mine.seals.doubt()
    told: list[str] = []

    assert at_hand(folder, mine) is None, "it is not used"
    python = restore(folder, mine, told.append).python.executable
    assert f"environment {about.key} is damaged and is built anew" in told
    assert hurt.read_bytes() == content
    assert run_python(python, VERSION).stdout == "4.9.0\n"
    assert at_hand(folder, mine) is not None


def test_a_list_that_is_cut_is_not_taken_for_what_was_resolved(
    small: PreparedEnvironment, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, mine = write_requirements(tmp_path / "m", SMALL), store_in(tmp_path / "store")
    shutil.copytree(store.root / ".resolved", mine.root / ".resolved")
    assert small.environment is not None
    for kept in (mine.root / ".resolved").iterdir():
        kept.write_bytes(kept.read_bytes()[:-200])
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_INDEX", "")
    monkeypatch.setenv("UV_FIND_LINKS", "")
    with pytest.raises(EnvironmentBuildError, match="reachable"):
        prepare(folder, Store(mine.root, tmp_path / "no-downloads"))


def test_copies_of_the_runner_go_when_nothing_runs_them(tmp_path: Path) -> None:
    current = runner_copy(tmp_path)
    for name in (".runner-old", ".runner-in-use", ".runner-young"):
        (tmp_path / name / "model_runner").mkdir(parents=True)
    now = (tmp_path / ".runner-young").stat().st_mtime + 1
    for name in (current.name, ".runner-old", ".runner-in-use"):
        os.utime(tmp_path / name, (now - 7200, now - 7200))

    assert remove_old_copies(tmp_path, [".runner-in-use"], now) == [".runner-old"]
    assert {path.name for path in tmp_path.glob(".runner-*")} == {current.name, ".runner-in-use", ".runner-young"}


def test_two_processes_that_want_the_same_build_it_once(tmp_path: Path) -> None:
    folders = [write_requirements(tmp_path / name, SMALL) for name in "ab"]
    processes = [builder(tmp_path / "store", folder, folder.name) for folder in folders]
    for process in processes:
        process.start()
    wait_until(lambda: not any(process.running for process in processes), 60, "both builds")
    logs = [process.log_tail() for process in processes]
    keys = {found[1] for log in logs if (found := re.search(r"^key (\w+)$", log, re.MULTILINE))}
    assert len(keys) == 1, logs
    assert sum("is built" in log for log in logs) == 1, logs
    store = store_in(tmp_path / "store")
    assert [entry.about.key for entry in store.entries()] == list(keys)


@pytest.mark.parametrize("step", ["installing", "compiling"])
def test_a_build_that_is_killed_leaves_nothing_that_is_taken_for_an_environment(tmp_path: Path, step: str) -> None:
    folder = write_requirements(tmp_path / "m", SMALL)
    store = store_in(tmp_path / "store")
    process = builder(store.root, folder, "killed")
    process.start()

    def under_way() -> bool:
        return f"\n{step}" in process.log_tail() and any(store.root.glob(".building-*"))

    wait_until(under_way, 60, f"the step {step}", every_s=0.002)
    # It alone: the uv or the compiler that it started works on, and keeps the lock until it ends.
    os.kill(process.pid, signal.SIGKILL)
    assert " is built" not in process.log_tail()
    assert store.entries() == []
    assert at_hand(folder, store) is None

    found = prepare(folder, store)

    assert run_python(found.python.executable, VERSION).stdout == "4.9.0\n"
    assert list(store.root.glob(".building-*")) == []
    process.kill()


def test_what_is_used_least_recently_goes_first_and_what_is_in_use_never(
    small: PreparedEnvironment, tmp_path: Path
) -> None:
    assert small.environment is not None
    source = small.python.executable.parents[1]
    store = Store(tmp_path / "store", tmp_path / "store" / ".downloads")
    keys = _copies(store, source, small, ["oldest", "used", "newer", "newest"])
    size = small.environment.bytes
    (store.root / ".trash-left").mkdir()

    assert evict(store, 4 * size, {keys[1]}, grace_s=0) == []
    assert not (store.root / ".trash-left").exists()
    gone = evict(store, 2 * size, {keys[1]}, grace_s=0)
    assert [entry.about.key for entry in gone] == ["oldest", "newer"]
    assert [entry.about.key for entry in store.entries()] == ["newest", "used"]
    assert not store.folder("oldest").exists()

    store.touch("newest")
    assert evict(store, 0, {"used"}, grace_s=60) == [], "it was used a moment ago"
    with store.lock("newest"):
        assert evict(store, 0, {"used"}, grace_s=0) == [], "somebody is at work on it"
    assert [entry.about.key for entry in evict(store, 0, {"used"}, grace_s=0)] == ["newest"]
    assert [entry.about.key for entry in store.entries()] == ["used"]


def test_an_environment_that_a_process_runs_in_is_in_use(
    small: PreparedEnvironment, store: Store, tmp_path: Path
) -> None:
    assert small.environment is not None
    waits = [str(small.python.executable), "-I", "-c", "print('up', flush=True); import time; time.sleep(60)"]
    process = Child(waits, tmp_path, "runner")
    assert small.environment.key not in running(store)
    process.start()
    try:
        wait_until(lambda: "up" in process.log_tail(), 30, "the process")
        assert running(store) == {small.environment.key}
    finally:
        process.kill()


def test_downloads_go_when_environments_alone_do_not_make_room(tmp_path: Path) -> None:
    store = Store(tmp_path, tmp_path / ".downloads")
    prepare(write_requirements(tmp_path / "m", SMALL), store)
    (entry,) = store.entries()
    assert store.downloads_bytes() > entry.about.bytes / 2
    assert evict(store, entry.about.bytes, {entry.about.key}, grace_s=0) == []
    assert store.downloads_bytes() < 1000
    assert [left.about for left in store.entries()] == [entry.about]


def _copies(store: Store, source: Path, prepared: PreparedEnvironment, names: list[str]) -> list[str]:
    """Environments of these keys, used in this order."""
    import msgspec

    assert prepared.environment is not None
    for age, name in enumerate(reversed(names)):
        shutil.copytree(source, store.folder(name), symlinks=True)
        about = msgspec.structs.replace(prepared.environment, key=name)
        folder = store.folder(name)
        folder.chmod(0o755)
        (folder / "environment.json").chmod(0o644)
        (folder / "environment.json").write_bytes(msgspec.json.encode(about))
        store.touch(name)
        moment = time.time() - 100 * (age + 1)
        os.utime(store.root / ".locks" / name, (moment, moment))
    return names


def test_a_step_that_takes_too_long_is_ended_and_says_what_to_do(tmp_path: Path) -> None:
    lines: list[str] = []
    sleeps = [
        sys.executable,
        "-c",
        "import sys, time; print('Downloading x', file=sys.stderr, flush=True); time.sleep(60)",
    ]
    with pytest.raises(EnvironmentBuildError, match="TIDEGATE_ENVIRONMENT_TIMEOUT_S"):
        listen(sleeps, tmp_path, dict(os.environ), lines.append, timeout_s=1.0)
    assert lines == ["Downloading x"]
