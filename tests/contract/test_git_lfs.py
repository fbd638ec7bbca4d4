"""Git LFS as its clients speak it: batches, uploads that are checked, downloads, and git-lfs itself where it is."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from gateway.git.content.tree import parse_pointer
from model_runner.folder.bounds import FolderBounds
from tests.support.git_client import Clone
from tests.support.git_server import TOKEN, GitServer, git_server
from tests.support.small_disk import small_disk

LFS_JSON = "application/vnd.git-lfs+json"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git"), max_bytes=300_000_000) as running:
        yield running


class Client:
    """What git-lfs does, by hand."""

    def __init__(self, server: GitServer, model: str = "market") -> None:
        self.address = f"{server.url(model, None)}/info/lfs/"

    def post(self, path: str, **given: Any) -> httpx.Response:
        return httpx.post(f"{self.address}{path}", auth=("git", TOKEN), timeout=60, **given)

    def batch(self, operation: str, oid: str, size: int) -> dict[str, Any]:
        asked = {"operation": operation, "transfers": ["basic"], "objects": [{"oid": oid, "size": size}]}
        answer = self.post("objects/batch", json=asked, headers={"Accept": LFS_JSON})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == LFS_JSON
        found: dict[str, Any] = answer.json()["objects"][0]
        return found


def _do(action: dict[str, Any], method: str, **given: Any) -> httpx.Response:
    """Follow an action: with its headers, and nothing else to prove who asks."""
    return httpx.request(method, action["href"], headers=action["header"], timeout=60, **given)


def test_an_object_goes_up_is_verified_and_comes_down(server: GitServer) -> None:
    client = Client(server, "fresh")
    content = os.urandom(3_000_000)
    oid = hashlib.sha256(content).hexdigest()
    actions = client.batch("upload", oid, len(content))["actions"]

    assert client.batch("download", oid, len(content))["error"]["code"] == 404
    assert _do(actions["upload"], "PUT", content=content).status_code == 200
    assert _do(actions["verify"], "POST", json={"oid": oid, "size": len(content)}).status_code == 200
    assert _do(actions["verify"], "POST", json={"oid": oid, "size": 1}).status_code == 404
    assert "actions" not in client.batch("upload", oid, len(content))
    down = client.batch("download", oid, len(content))["actions"]["download"]
    assert _do(down, "GET").content == content


def test_what_is_not_what_it_says_is_not_kept(server: GitServer) -> None:
    client = Client(server)
    oid = hashlib.sha256(b"good").hexdigest()
    action = client.batch("upload", oid, 4)["actions"]["upload"]
    answer = _do(action, "PUT", content=b"evil")

    assert answer.status_code == 422
    assert "another SHA-256" in answer.json()["message"]
    assert "actions" in client.batch("upload", oid, 4)
    assert list((server.root / "default" / "market.git" / "lfs").rglob("*.*")) == []


def test_what_is_too_large_is_refused_before_it_is_sent(server: GitServer) -> None:
    refused = Client(server).batch("upload", "a" * 64, 300_000_001)

    assert refused["error"]["code"] == 422
    assert "TIDEGATE_MAX_PUSH_BYTES" in refused["error"]["message"]


def test_an_upload_that_fills_the_disk_is_told_so_and_can_be_sent_again(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    oid = hashlib.sha256(content).hexdigest()

    def pieces() -> Iterator[bytes]:
        """Of no length that is told beforehand: only the disk can say that it is too much."""
        yield from (content[at : at + 100_000] for at in range(0, len(content), 100_000))

    with (
        small_disk(tmp_path / "disk", 8) as disk,
        git_server(disk.folder / "s", bounds=FolderBounds(reserve_bytes=0)) as small,
    ):
        client = Client(small)
        upload = client.batch("upload", oid, len(content))["actions"]["upload"]
        disk.fill(left_bytes=1_000_000)
        refused = _do(upload, "PUT", content=pieces())
        incoming = list((small.root / "default" / "market.git" / "lfs" / "incoming").iterdir())
        asked = client.post(
            "objects/batch", json={"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
        )
        disk.clear()
        taken = _do(upload, "PUT", content=pieces())

    assert refused.status_code == 507
    assert "no space left on the disk of" in refused.json()["message"]
    assert incoming == []
    assert (asked.status_code, "the disk has no room" in asked.json()["message"]) == (507, True)
    assert taken.status_code == 200


def test_without_the_token_there_is_nothing(server: GitServer) -> None:
    address = Client(server).address

    assert httpx.post(f"{address}objects/batch", json={}).status_code == 401
    assert httpx.put(f"{address}objects/{'a' * 64}", content=b"x").status_code == 401
    assert httpx.get(f"{address}objects/{'a' * 64}").status_code == 401


@pytest.mark.parametrize("path", ["locks/verify", "objects/..%2f..%2fconfig", "objects/zz", "nothing"])
def test_what_is_not_served_is_said_in_lfs_own_json(server: GitServer, path: str) -> None:
    answer = Client(server).post(path, json={})

    assert answer.status_code == 404
    assert "message" in answer.json()


def test_a_request_that_is_none_is_refused(server: GitServer) -> None:
    client = Client(server)

    assert client.post("objects/batch", content=b"{").status_code == 422
    asked = {"operation": "delete", "objects": []}
    assert client.post("objects/batch", json=asked).status_code == 422


def test_a_large_object_costs_no_memory(server: GitServer) -> None:
    client = Client(server)
    piece = os.urandom(1_000_000)
    digest = hashlib.sha256()
    for _ in range(120):
        digest.update(piece)
    oid = digest.hexdigest()
    action = client.batch("upload", oid, 120_000_000)["actions"]["upload"]
    process = psutil.Process(server.child.pid)
    before = process.memory_info().rss
    sent = _do(action, "PUT", content=(piece for _ in range(120)))
    got = hashlib.sha256()
    down = client.batch("download", oid, 120_000_000)["actions"]["download"]
    with httpx.stream("GET", down["href"], headers=down["header"], timeout=60) as answer:
        for chunk in answer.iter_bytes():
            got.update(chunk)

    assert sent.status_code == 200
    assert got.hexdigest() == oid
    assert process.memory_info().rss - before < 30_000_000


def test_a_pointer_is_told_from_other_files() -> None:
    oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n"
    found = parse_pointer(text.encode())

    assert found is not None
    assert (found.oid, found.size) == (oid, 12345)
    extended = text.replace("oid", "ext-0-foo sha256:00\noid", 1)
    assert parse_pointer(extended.encode()) == found
    assert parse_pointer(text.encode() + b"more") is None
    assert parse_pointer(b"version 1\n") is None


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_git_lfs_itself_pushes_and_clones(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", server.url("lfs"))
    clone.git("lfs", "install", "--local")
    clone.git("lfs", "track", "*.bin")
    (clone.folder / "model.bin").write_bytes(os.urandom(2_000_000))
    clone.commit()
    pushed = clone.push("main:refs/tags/trial")
    cloned = clone.run("clone", "--quiet", "--branch", "trial", server.url("lfs"), str(tmp_path / "again"))

    assert pushed.code == 0, pushed
    assert cloned.returncode == 0, cloned.stderr
    again = Clone.__new__(Clone)
    again.folder = tmp_path / "again"
    again.git("lfs", "install", "--local")
    again.git("lfs", "pull")
    assert (again.folder / "model.bin").read_bytes() == (clone.folder / "model.bin").read_bytes()
