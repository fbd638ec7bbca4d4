"""A commit is fetched from a real git server, and what goes wrong is told apart: what can pass, and what cannot."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.git.export import export
from gateway.git.tree import TreeError
from tests.support.git_client import Clone
from tests.support.git_server import TOKEN, GitServer, git_server
from tests.support.ports import free_ports
from tidegate.deployer.fetching import FetchError, Remote, fetch, fetch_environment


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
    export(commit, folder, None, fetch_environment(remote), str(repository))
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

    assert set(_files(remote, commit, tmp_path / "r")) == {".hidden", "sub/model.pkl"}


def test_a_token_is_in_no_argument(tmp_path: Path) -> None:
    told = fetch_environment(Remote("https://git.example.com/a/b.git", token="ghp_secret", deploy_key=tmp_path / "k"))

    assert told["GIT_CONFIG_KEY_0"] == "http.https://git.example.com/.extraHeader"
    assert "ghp_secret" not in str(told)
    assert f"-i {tmp_path / 'k'}" in told["GIT_SSH_COMMAND"]
    assert "BatchMode=yes" in told["GIT_SSH_COMMAND"]


def test_a_wrong_token_cannot_pass(server: GitServer, source: Clone, tmp_path: Path) -> None:
    remote = Remote(server.url("market", None), token="tg_wrong")
    with pytest.raises(FetchError, match="TIDEGATE_GITHUB_TOKEN") as raised:
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
        export(commit, tmp_path / "files", None, None, str(clone.folder / ".git"))
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
        export(commit, tmp_path / "files", None, None, str(clone.folder / ".git"))
    assert not (tmp_path / "escaped").exists()


def _blob(clone: Clone) -> str:
    (clone.folder / "x").write_bytes(b"x")
    return clone.git("hash-object", "-w", "x")


def _tree(clone: Clone, line: str) -> str:
    done = subprocess.run(
        ["git", "mktree"], cwd=clone.folder, input=f"{line}\n", capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
