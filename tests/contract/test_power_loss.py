"""The power goes at every point of every durable write: what was said to be done is there, nothing damaged is used."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest

from gateway.edge.token import Token, load_or_make
from gateway.git.config import GitConfig
from gateway.git.lfs.store import LfsObjectError, LfsStore, copy_object
from gateway.git.repositories import ensure_repository
from model_runner.disk.seals import Seals, tree_hash
from model_runner.environment import building
from model_runner.environment.runner_copy import runner_copy
from model_runner.environment.sealing import remove
from model_runner.environment.store import Store
from storage import artifacts, registry
from storage.artifact_removal import INDEX
from storage.registry import Database
from tests.support.power import ends, lives
from tidegate.parts.state import Phase, StackState, read_state, stopped_well, write_state

SEEDS = range(3)
MANY = range(8)
FILES = {"model.pkl": os.urandom(5000), "data/names.txt": b"a\nb\n", "data/deep/empty.txt": b"", "a/b/c.txt": b"c"}
"""The folder `a` holds nothing but a folder: writing files into it says nothing of that one's name."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "model"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


@pytest.fixture
def no_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is written."""
    monkeypatch.setattr(Seals, "put", lambda *_: None)


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _fetched(url: str, digest: str, cache: Path) -> dict[str, bytes] | str:
    """The content, or why there is none."""
    try:
        return _content(artifacts.fetch(url, digest, cache))
    except artifacts.ArtifactError as error:
        return str(error)


def test_an_artifact_and_its_copy_are_whole_or_made_again(model: Path, disk: Path) -> None:
    """Also where the store is gone that the copy came from: what is damaged is refused then, never served."""
    store, cache = (disk / "artifacts").as_uri(), disk / "models"

    def deploy() -> artifacts.Artifact:
        return artifacts.put(model, FILES, store)

    def deploy_and_fetch() -> Path:
        made = deploy()
        return artifacts.fetch(made.url, made.sha256, cache)

    digest = artifacts.put(model, FILES, (model.parent / "elsewhere").as_uri()).sha256
    losses = 0
    for done in lives(disk, deploy_and_fetch, SEEDS):
        losses += 1
        if done:  # it is on disk, and not only healed when it is asked for
            stored = _content(disk / "artifacts" / digest)
            assert hashlib.sha256(stored.pop(INDEX)).hexdigest() == digest
            assert stored == FILES
            assert _content(cache / digest) == FILES
        found = _fetched(f"{store}/{digest}", digest, cache)
        assert found == FILES or (isinstance(found, str) and "deploy the model again" in found and not done)
        assert _content(deploy_and_fetch()) == FILES
        assert _content(deploy_and_fetch()) == FILES, "and it stays so"
        assert not list(cache.glob("*/*.part"))
    assert losses > 40


def test_a_copy_is_on_disk_whatever_is_written_after_it(model: Path, disk: Path, no_seals: None) -> None:
    """The seal is written beside it, which brings its name to disk too: nothing is to rest on that."""
    made = artifacts.put(model, FILES, (model.parent / "elsewhere").as_uri())
    for _ in ends(disk, lambda: artifacts.fetch(made.url, made.sha256, disk), MANY):
        assert _content(disk / made.sha256) == FILES


def test_a_copy_that_was_mended_is_on_disk(model: Path, disk: Path) -> None:
    store, cache = (disk / "artifacts").as_uri(), disk / "models"
    digest = artifacts.put(model, FILES, (model.parent / "elsewhere").as_uri()).sha256

    def mend() -> None:
        made = artifacts.put(model, FILES, store)
        (artifacts.fetch(made.url, made.sha256, cache) / "model.pkl").write_bytes(b"damaged")
        artifacts.fetch(made.url, made.sha256, cache)

    for done in lives(disk, mend, range(1)):
        assert not done or _content(cache / digest) == FILES


def test_the_runners_copy_is_on_disk_whatever_is_written_after_it(disk: Path, no_seals: None) -> None:
    made: list[Path] = []
    for _ in ends(disk, lambda: made.append(runner_copy(disk)), MANY):
        assert (made[-1] / "model_runner" / "serving" / "server.py").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "zeros", "gone", "other"])
@pytest.mark.parametrize("where", ["store", "index", "copy"])
def test_what_was_damaged_is_healed_by_deploying_again(model: Path, disk: Path, where: str, damage: str) -> None:
    store, cache = (disk / "artifacts").as_uri(), disk / "models"
    made = artifacts.put(model, FILES, store)
    copy = artifacts.fetch(made.url, made.sha256, cache)
    stored = disk / "artifacts" / made.sha256
    hurt = {"store": stored / "model.pkl", "index": stored / INDEX, "copy": copy / "model.pkl"}[where]
    content = hurt.read_bytes()
    hurt.unlink()
    if damage != "gone":
        hurt.write_bytes({"cut": content[:-1], "zeros": bytes(len(content)), "other": content + b"x"}[damage])
    Seals(cache).doubt()

    again = artifacts.put(model, FILES, store)
    assert again == made
    assert _content(artifacts.fetch(again.url, again.sha256, cache)) == FILES
    assert _content(artifacts.fetch(again.url, again.sha256, disk / "other cache")) == FILES


def test_a_copy_that_shrank_is_noticed_without_a_restart(model: Path, disk: Path) -> None:
    made = artifacts.put(model, FILES, (disk / "artifacts").as_uri())
    copy = artifacts.fetch(made.url, made.sha256, disk / "models")
    (copy / "model.pkl").write_bytes(b"")
    (copy / "left.tmp").write_bytes(b"x")
    assert _content(artifacts.fetch(made.url, made.sha256, disk / "models")) == FILES


def test_the_runners_copy_is_whole_or_made_again(disk: Path) -> None:
    expected = None
    # Each makes a copy of a hundred files: one seed says what there is to say.
    made: list[Path] = []
    for done in lives(disk, lambda: made.append(runner_copy(disk)), range(1)):
        if done:
            whole = {str(path.relative_to(made[-1])): path.read_bytes() for path in made[-1].rglob("*.py")}
            assert whole == expected, "it is on disk, and not only made again"
        found = runner_copy(disk)
        sources = {str(path.relative_to(found)): path.read_bytes() for path in found.rglob("*.py")}
        expected = expected or sources
        assert sources == expected
        assert "model_runner/serving/server.py" in sources
        assert runner_copy(disk) == found


INSTALLED = {"bin/python": b"#!python", "lib/a/__init__.py": os.urandom(3000), "lib/b.py": b"b = 1"}


def _install(folder: Path, *_: object) -> None:
    """As uv does it: without a word to the disk."""
    for name, content in INSTALLED.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _installed(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in INSTALLED if (folder / name).is_file()}


def _build(store: Store) -> str:
    return building.build("a==1 --hash=sha256:0", store, lambda _: None).key


def test_an_environment_is_whole_or_built_again(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "_install", _install)
    monkeypatch.setattr(building, "_compile", lambda *_: None)
    store = Store(disk, disk / ".downloads")
    key = _build(store)
    remove(store.folder(key))
    losses = 0
    for done in lives(disk, lambda: _build(store), SEEDS):
        losses += 1
        if done or store.is_whole(key):
            assert _installed(disk / key) == INSTALLED, "it is on disk, and not only built again"
        assert not done or store.about(key) is not None
        assert _build(store) == key
        assert _installed(disk / key) == INSTALLED
        remove(store.folder(key))
    assert losses > 20


def test_an_environment_is_on_disk_whatever_is_written_after_it(
    disk: Path, monkeypatch: pytest.MonkeyPatch, no_seals: None
) -> None:
    monkeypatch.setattr(building, "_install", _install)
    monkeypatch.setattr(building, "_compile", lambda *_: None)
    store = Store(disk, disk / ".downloads")
    keys: list[str] = []
    for _ in ends(disk, lambda: keys.append(_build(store)), MANY):
        assert _installed(disk / keys[-1]) == INSTALLED
        assert store.about(keys[-1]) is not None
        remove(store.folder(keys[-1]))


def test_a_repository_that_was_made_is_on_disk(disk: Path) -> None:
    config = GitConfig(disk / "home" / "git", disk / "home" / "staging", disk / "nobody.sock", Token("tg_x"))

    def make() -> Path:
        return asyncio.run(ensure_repository(config, "default", "market"))

    (disk / "home").mkdir()
    whole = _content(make())
    assert {"HEAD", "config"} <= whole.keys()
    for done in lives(disk, make, SEEDS):
        path = config.repository("default", "market")
        if done:
            assert path.is_dir(), "its name, and those of the folders that it lies in"
        if path.is_dir():
            assert _content(path) == whole
        assert _content(make()) == whole


def test_a_token_that_was_shown_stays_and_none_is_damaged(disk: Path) -> None:
    path, shown = disk / "home" / "token", []
    for done in lives(disk, lambda: shown.append(load_or_make(path).reveal()), SEEDS):
        found = load_or_make(path).reveal()
        assert found.startswith("tg_")
        assert len(found) > 40
        assert not done or found == shown[-1]


def test_an_lfs_object_is_whole_or_asked_for_again(disk: Path) -> None:
    content = os.urandom(3000)
    oid, store = hashlib.sha256(content).hexdigest(), LfsStore(disk)

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    for done in lives(disk, lambda: asyncio.run(store.put(oid, chunks(), 10_000)), SEEDS):
        assert store.holds(oid, len(content)) or not done
        if store.holds(oid, len(content)):
            assert store.path(oid).read_bytes() == content


@pytest.mark.parametrize("damage", [b"", b"x" * 99, bytes(100)])
def test_a_damaged_lfs_object_is_refused_and_asked_for_again(disk: Path, damage: bytes) -> None:
    content = os.urandom(100)
    oid, store = hashlib.sha256(content).hexdigest(), LfsStore(disk)

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    asyncio.run(store.put(oid, chunks(), 1000))
    copied = BytesIO()
    copy_object(store.path(oid), copied)
    assert copied.getvalue() == content
    store.path(oid).chmod(0o600)
    store.path(oid).write_bytes(damage)
    with pytest.raises(LfsObjectError, match="git lfs push --all tidegate"):
        copy_object(store.path(oid), BytesIO())
    assert not store.holds(oid, len(damage)), "so that git-lfs sends it again"
    asyncio.run(store.put(oid, chunks(), 1000))
    assert store.holds(oid, 100)


def test_the_phase_of_the_stack_is_the_one_or_the_other(disk: Path) -> None:
    def states() -> None:
        for phase in (Phase.RUNNING, Phase.STOPPED):
            write_state(disk, StackState(pid=1, phase=phase, since=0.0), durable=True)

    for done in lives(disk, states, SEEDS):
        found = read_state(disk)
        assert found is None or found.phase in (Phase.RUNNING, Phase.STOPPED)
        assert not done or stopped_well(disk)
        if found is not None and found.phase is Phase.RUNNING:
            assert not stopped_well(disk)


@pytest.mark.parametrize("content", [b"", b"\0" * 200, b'{"pid": 1', b"\xff\xfe"])
def test_a_damaged_state_is_no_good_stop(disk: Path, content: bytes) -> None:
    (disk / "state.json").write_bytes(content)
    assert read_state(disk) is None
    assert not stopped_well(disk)


def test_what_the_registry_was_told_is_on_disk(disk: Path) -> None:
    """SQLite's own promise, for as long as it is asked for: 2 is FULL."""
    dsn = f"sqlite:///{disk / 'registry.sqlite'}"
    registry.upgrade(dsn)
    database = Database(dsn)
    with database.read() as session:
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert session.connection().exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    database.close()


def test_a_tree_has_a_hash_of_its_names_contents_and_links(disk: Path) -> None:
    found: set[str] = set()
    for name, content in (("a", b"x"), ("b", b"x"), ("a", b"y"), ("a", b"")):
        folder = disk / str(len(found))
        folder.mkdir()
        (folder / name).write_bytes(content)
        found.add(tree_hash(folder))
    for target in ("a", "b"):
        folder = disk / f"link-{target}"
        folder.mkdir()
        (folder / "link").symlink_to(target)
        found.add(tree_hash(folder))
    assert len(found) == 6
