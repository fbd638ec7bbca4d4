"""A commit is fetched from a real git server, and what goes wrong is told apart: what can pass, and what cannot."""

import asyncio
import random
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.git.content.export import export
from gateway.git.content.tree import TreeError
from gateway.git.memory import says_no_memory
from model_runner.folder.bounds import FolderBounds
from tests.support.git_client import Clone
from tests.support.git_server import TOKEN, GitServer, git_server
from tests.support.ports import free_ports
from tidegate.deployer.sources import fetching
from tidegate.deployer.sources.fetching import FetchError, fetch, head_of
from tidegate.deployer.sources.remote import Remote, fetch_environment


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git")) as running:
        yield running


@pytest.fixture(scope="module")
def source(server: GitServer, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A repository with two commits on branch `trial`."""
    clone = Clone(tmp_path_factory.mktemp("source") / "w", server.url("market"))
    (clone.folder / "sub").mkdir()
    (clone.folder / "sub" / "model.pkl").write_bytes(b"one")
    (clone.folder / ".hidden").write_bytes(b"x")
    clone.commit("One")
    (clone.folder / "sub" / "model.pkl").write_bytes(b"two")
    clone.commit("Two")
    # As a tag, which needs no deployer; then the branch, as another server would have taken it.
    assert clone.push("main:refs/tags/pushed").code == 0
    repository = server.root / "default" / "market.git"
    clone.git("--git-dir", str(repository), "update-ref", "refs/heads/trial", "refs/tags/pushed")
    return clone


def _fetch(remote: Remote, commit: str, repository: Path) -> None:
    asyncio.run(fetch(remote, commit, "trial", repository))


def _files(remote: Remote, commit: str, repository: Path) -> dict[str, bytes]:
    folder = repository.with_name("files")
    folder.mkdir()
    export(commit, folder, None, FolderBounds(), fetch_environment(remote), str(repository))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("back", [0, 1])
def test_a_commit_is_fetched_with_a_token(server: GitServer, source: Clone, tmp_path: Path, back: int) -> None:
    remote = Remote(server.url("market", None), token=TOKEN)
    commit = source.git("rev-parse", f"HEAD~{back}")
    _fetch(remote, commit, tmp_path / "r")

    assert _files(remote, commit, tmp_path / "r")["sub/model.pkl"] == (b"two", b"one")[back]


def test_a_commit_is_fetched_from_a_file_url(server: GitServer, source: Clone, tmp_path: Path) -> None:
    remote = Remote(source.folder.as_uri())
    commit = source.git("rev-parse", "HEAD")
    asyncio.run(fetch(remote, commit, "main", tmp_path / "r"))

    # Hidden files are no part of a model.
    assert set(_files(remote, commit, tmp_path / "r")) == {"sub/model.pkl"}


def test_a_token_is_in_no_argument(tmp_path: Path) -> None:
    told = fetch_environment(Remote("https://git.example.com/a/b.git", token="ghp_secret", deploy_key=tmp_path / "k"))

    assert "http.https://git.example.com/.extraHeader" in told.values()
    assert "ghp_secret" not in str(told)
    assert f"-i {tmp_path / 'k'}" in told["GIT_SSH_COMMAND"]
    assert "BatchMode=yes" in told["GIT_SSH_COMMAND"]


def test_a_wrong_token_cannot_pass(server: GitServer, source: Clone, tmp_path: Path) -> None:
    remote = Remote(server.url("market", None), token="tg_wrong")
    with pytest.raises(FetchError, match="--token-file") as raised:
        _fetch(remote, source.git("rev-parse", "HEAD"), tmp_path / "r")

    assert not raised.value.can_pass
    assert "tg_wrong" not in str(raised.value)


def test_a_server_that_is_away_can_pass_and_its_password_is_not_told(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with pytest.raises(FetchError, match="cannot be fetched") as raised:
        _fetch(Remote(f"http://user:hunter2@127.0.0.1:{port}/x.git"), "1" * 40, tmp_path / "r")

    assert raised.value.can_pass
    assert "hunter2" not in str(raised.value)


def test_a_commit_that_was_rewritten_cannot_pass(server: GitServer, source: Clone, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="is not in trial any more") as raised:
        _fetch(Remote(server.url("market", None), token=TOKEN), "1" * 40, tmp_path / "r")

    assert not raised.value.can_pass


def test_lfs_pointers_without_a_store_are_refused(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", "nowhere")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 150000000\n"
    (clone.folder / "model.pkl").write_text(pointer)
    commit = clone.commit()
    (tmp_path / "files").mkdir()

    with pytest.raises(TreeError, match=r"model\.pkl is a Git LFS pointer.*own git remote"):
        export(commit, tmp_path / "files", None, FolderBounds(), None, str(clone.folder / ".git"))
    assert list((tmp_path / "files").iterdir()) == []


def test_a_hostile_archive_writes_nothing_outside(tmp_path: Path) -> None:
    """A tree that names `..` cannot be made with git's ordinary commands; its plumbing can."""
    clone = Clone(tmp_path / "w", "nowhere")
    blob = _blob(clone)
    inner = _tree(clone, f"100644 blob {blob}\tescaped")
    tree = _tree(clone, f"040000 tree {inner}\t..")
    commit = clone.git("commit-tree", tree, "-m", "hostile")
    (tmp_path / "files").mkdir()

    with pytest.raises(TreeError):
        export(commit, tmp_path / "files", None, FolderBounds(), None, str(clone.folder / ".git"))
    assert not (tmp_path / "escaped").exists()


def _blob(clone: Clone) -> str:
    (clone.folder / "x").write_bytes(b"x")
    return clone.git("hash-object", "-w", "x")


def _tree(clone: Clone, line: str) -> str:
    done = subprocess.run(
        ["git", "mktree"], cwd=clone.folder, input=f"{line}\n", capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


class _Redirecting(BaseHTTPRequestHandler):
    """Sends everybody on to another host, and the other host remembers what it was told."""

    told: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        host = self.headers["Host"]
        self.told.append((host, self.headers["Authorization"]))
        if host.startswith("127.0.0.1"):
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{host.partition(':')[2]}{self.path}")
        else:
            self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


def test_a_redirect_is_not_followed_with_the_token(tmp_path: Path) -> None:
    _Redirecting.told.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Redirecting) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{elsewhere.server_address[1]}/acme/market.git"
        with pytest.raises(FetchError, match="redirect, which is not followed") as raised:
            _fetch(Remote(url, token="ghp_secret"), "1" * 40, tmp_path / "r")
        elsewhere.shutdown()

    assert not raised.value.can_pass
    assert [host.partition(":")[0] for host, _ in _Redirecting.told] == ["127.0.0.1"]


def test_a_commit_larger_than_may_be_is_given_up_while_it_comes(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", "nowhere")
    (clone.folder / "model.bin").write_bytes(random.Random(1).randbytes(3_000_000))
    commit = clone.commit()
    with pytest.raises(FetchError, match=r"more than 1,000,000 bytes packed.*TIDEGATE_MAX_PUSH_BYTES") as raised:
        asyncio.run(fetch(Remote(clone.folder.as_uri()), commit, "main", tmp_path / "r", 1_000_000))

    assert not raised.value.can_pass
    assert sum(path.stat().st_size for path in (tmp_path / "r").rglob("*")) < 2_000_000


def test_a_commit_that_git_has_no_memory_for_is_refused_in_our_words(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = Clone(tmp_path / "w", server.url("large"))
    (clone.folder / "model.bin").write_bytes(bytes(150_000_000))
    commit = clone.commit()
    assert clone.push("main:refs/tags/pushed").code == 0
    monkeypatch.setattr(fetching, "MEMORY_BYTES", 80_000_000)
    with pytest.raises(FetchError, match=r"MB of memory here.*Git LFS") as raised:
        _fetch(Remote(server.url("large", None), token=TOKEN), commit, tmp_path / "r")

    assert not raised.value.can_pass


def test_the_memory_of_the_other_side_is_not_ours() -> None:
    assert says_no_memory(b"x\nfatal: Out of memory, malloc failed (tried to allocate 9 bytes)\n")
    assert not says_no_memory(b"remote: fatal: Out of memory, malloc failed\nfatal: protocol error\n")


def test_what_a_server_says_cannot_move_the_cursor(tmp_path: Path) -> None:
    with pytest.raises(FetchError) as raised:
        asyncio.run(fetch(Remote("file:///nowhere/\x1b]52;c;aGk=\x07"), "1" * 40, "main", tmp_path / "r"))

    assert str(raised.value).isprintable()


def test_the_head_of_a_branch_is_asked_for(source: Clone) -> None:
    remote = Remote(source.folder.as_uri())

    assert asyncio.run(head_of(remote, "main")) == source.git("rev-parse", "HEAD")
    assert asyncio.run(head_of(remote, "nobody")) is None
