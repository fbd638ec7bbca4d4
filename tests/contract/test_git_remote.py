"""The git remote by itself, with a real git: what is transported, what is refused, and at what cost."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.git_client import Clone
from tests.support.git_server import TOKEN, GitServer, git_server
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git")) as running:
        yield running


def _clone(server: GitServer, folder: Path, size: int) -> Clone:
    clone = Clone(folder / "w", server.url("market"))
    (clone.folder / "weights.bin").write_bytes(os.urandom(size))
    clone.commit()
    return clone


def test_what_was_pushed_can_be_cloned(server: GitServer, tmp_path: Path) -> None:
    """3 MB: git sends it in chunks and without a length, after it has probed with four bytes."""
    clone = _clone(server, tmp_path, 3_000_000)

    assert clone.push("main:refs/tags/trial").code == 0
    clone.git("clone", "--quiet", "--branch", "trial", server.url("market"), str(tmp_path / "again"))
    assert (tmp_path / "again" / "weights.bin").read_bytes() == (clone.folder / "weights.bin").read_bytes()


def test_a_clone_without_history_is_refused_before_any_work_and_with_it_taken(
    server: GitServer, tmp_path: Path
) -> None:
    """As every CI checks out. What of the history is known here already need not be in the clone."""
    whole = Clone(tmp_path / "w", server.url("shallow"))
    whole.commit("One")
    whole.commit("Two")
    whole.git("clone", "--quiet", "--depth=1", f"file://{whole.folder}", str(tmp_path / "ci"))
    shallow = Clone(tmp_path / "ci", server.url("shallow"))
    refused = shallow.push("main", "main:refs/tags/trial")
    known = whole.push("main:refs/tags/base")
    shallow.commit("Three, on what is known")
    taken = shallow.push("main:refs/tags/trial")

    assert refused.code != 0
    assert "✗ receive: this clone is shallow" in refused.told
    assert "`git fetch --unshallow`; on GitHub Actions `fetch-depth: 0`" in refused.told
    assert not list((server.root.parent / "staging").glob("push-*"))
    assert [known.code, taken.code] == [0, 0], taken


def test_what_git_would_refuse_when_the_work_is_done_is_refused_before(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", server.url("untakeable"))
    clone.commit()
    clone.git("tag", "--annotate", "--message", "One", "v1")
    repository = server.root / "default" / "untakeable.git"
    assert clone.push("main:refs/tags/base").code == 0
    clone.git("--git-dir", str(repository), "update-ref", "refs/heads/a/b", clone.git("rev-parse", "HEAD"))
    pushed = clone.push(
        "-o", "ci.skip", "v1:refs/heads/tagged", "main:refs/heads/a", "main:refs/heads/a/b/c", "main:refs/tags/more"
    )

    assert pushed.code != 0
    assert "! push options do nothing here: ci.skip" in pushed.told
    assert "tagged would be a tag, and a branch is a commit" in pushed.told
    assert "<name>^{commit}:tagged" in pushed.told
    assert "a and the branch a/b cannot both be" in pushed.told
    assert "a/b/c and the branch a/b cannot both be" in pushed.told
    assert "refs/tags/more" in clone.git("ls-remote", "tidegate")


@pytest.mark.parametrize("formats", [("sha256", "sha1"), ("sha1", "sha256")])
def test_a_repository_has_the_object_format_of_its_first_push(
    server: GitServer, tmp_path: Path, formats: tuple[str, str]
) -> None:
    first, second = (Clone(tmp_path / each, server.url(f"first-{formats[0]}"), object_format=each) for each in formats)
    for clone in (first, second):
        (clone.folder / "model.bin").write_bytes(os.urandom(2_000_000))
        clone.commit()
    pushed = first.push("main:refs/tags/one")
    first.commit("Another")
    again = first.push("main:refs/tags/two")
    other = second.push("main:refs/tags/three")
    first.git("clone", "--quiet", "--branch", "two", first.git("remote", "get-url", "tidegate"), str(tmp_path / "c"))

    assert [pushed.code, again.code] == [0, 0], (pushed, again)
    assert (tmp_path / "c" / "model.bin").read_bytes() == (first.folder / "model.bin").read_bytes()
    assert other.code != 0
    assert "the receiving end does not support this repository's hash algorithm" in other.output


def test_a_first_push_that_was_refused_fixes_no_object_format(server: GitServer, tmp_path: Path) -> None:
    for number, each in enumerate(("sha256", "sha1", "sha256")):
        clone = Clone(tmp_path / f"{number}", server.url("undecided"), object_format=each)
        clone.commit()
        refused = clone.push(os.fsdecode(b"main:refs/tags/caf\xe9"))
        assert "is no name for a branch or tag here" in refused.told, refused

    assert clone.push("main:refs/tags/good").code == 0


@pytest.mark.parametrize("raw", [b"caf\xe9", b"a\xcc\x81\xff"])
def test_a_ref_whose_name_is_no_text_is_refused_by_name_and_the_others_are_taken(
    server: GitServer, tmp_path: Path, raw: bytes
) -> None:
    clone = Clone(tmp_path / "w", server.url("names"))
    clone.commit()
    good = f"main:refs/tags/{raw.hex()}"
    pushed = clone.push(os.fsdecode(b"main:refs/tags/" + raw), good, "main:refs/tags/e\u0301", "main:refs/tags/\u00e9")

    assert pushed.code != 0
    assert "is no name for a branch or tag here: use up to 200 plain characters" in pushed.told
    listed = clone.git("ls-remote", "tidegate")
    for name in (raw.hex(), "e\u0301", "\u00e9"):
        assert f"refs/tags/{name}\n" in f"{listed}\n"


@pytest.mark.slow
def test_150_mb_are_pushed_with_flat_memory(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", server.url("market"))
    clone.git("config", "core.compression", "0")  # what cannot be compressed takes git seconds to find out
    (clone.folder / "weights.bin").write_bytes(os.urandom(150_000_000))
    clone.commit()
    gateway = psutil.Process(server.child.pid)
    before = gateway.memory_info().rss
    pushed = clone.push("main:refs/tags/large")

    assert pushed.code == 0, pushed
    assert gateway.memory_info().rss - before < 30_000_000
    listed = clone.git("ls-remote", "tidegate", "refs/tags/large")
    assert listed.startswith(clone.git("rev-parse", "HEAD"))


def test_more_than_may_be_pushed_is_refused_in_words(tmp_path: Path) -> None:
    with git_server(tmp_path / "s", max_bytes=1_000_000) as small:
        pushed = _clone(small, tmp_path, 3_000_000).push("main:refs/tags/trial")

    assert pushed.code != 0
    assert "exceeds maximum allowed size" in pushed.output


def test_without_a_deployer_main_is_refused(server: GitServer, tmp_path: Path) -> None:
    clone = _clone(server, tmp_path, 1000)
    process = clone.start_push()
    staging = server.root.parent / "staging"
    wait_until(lambda: list(staging.glob("push-*")), 10, "the export")
    # It waits for a deployer that may be starting: half a minute, for which this test does not wait.
    assert process.poll() is None
    for hook in psutil.Process(server.child.pid).children(recursive=True):
        # One that has just ended has no command line.
        with suppress(psutil.Error):
            if "gateway.git.hook" in " ".join(hook.cmdline()):
                hook.kill()
    process.communicate()

    assert process.returncode != 0
    assert clone.git("ls-remote", "tidegate", "refs/heads/main") == ""


def test_a_token_is_wanted_for_everything(server: GitServer) -> None:
    address = f"http://127.0.0.1:{server.port}/git/default/market.git"
    for path in ("/info/refs?service=git-upload-pack", "/info/refs?service=git-receive-pack", "/HEAD", ""):
        assert httpx.get(f"{address}{path}").status_code == 401
    assert httpx.post(f"{address}/git-receive-pack", content=b"0000").status_code == 401
    assert httpx.get(f"{address}/info/refs?service=git-upload-pack", auth=("x", "tg_no")).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/git/default/nobody.git/info/refs?service=git-upload-pack",
        "/git/default/market.git/HEAD",
        "/git/default/market.git/objects/info/packs",
        "/git/default/market.git/config",
        "/git/.hooks/x.git/info/refs?service=git-receive-pack",
        "/git/default/..%2f..%2fx.git/info/refs?service=git-receive-pack",
        "/git/market.git",
    ],
)
def test_only_gits_smart_protocol_on_models_is_served(server: GitServer, path: str) -> None:
    answer = httpx.get(f"http://127.0.0.1:{server.port}{path}", auth=("x", TOKEN))

    assert answer.status_code in (403, 404)
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_client_that_is_gone_while_it_sends_leaves_nothing(server: GitServer, tmp_path: Path) -> None:
    clone = _clone(server, tmp_path, 1000)
    assert clone.push("main:refs/tags/half").code == 0
    before = clone.git("ls-remote", "tidegate")
    old = clone.git("rev-parse", "HEAD")
    command = f"{old} {'1' * 40} refs/tags/half\0 report-status side-band-64k agent=x"
    body = f"{len(command) + 4:04x}{command}0000".encode() + b"PACK\0\0\0\2\0\0\0\3"  # three objects are to come
    request = httpx.Request("POST", f"{server.url('market', None)}/git-receive-pack")
    signed = next(httpx.BasicAuth("git", TOKEN).sync_auth_flow(request))
    head = (
        f"POST {request.url.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {signed.headers['authorization']}\r\n"
        "Content-Type: application/x-git-receive-pack-request\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + f"{len(body):x}\r\n".encode() + body + b"\r\n")
        wait_until(lambda: psutil.Process(server.child.pid).children(), 10, "git to begin")
    wait_until(lambda: not psutil.Process(server.child.pid).children(recursive=True), 10, "git to end")

    assert clone.git("ls-remote", "tidegate") == before
    incoming = list((server.root / "default" / "market.git" / "objects").glob("*incoming*"))
    assert incoming == []
