"""Small pushes that would become large: a real git pushes them, and nothing of them is written or held in memory."""

import gzip
import hashlib
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from gateway.git.content.export import export
from gateway.git.lfs.store import LfsStore
from model_runner.folder.bounds import FolderBounds, FolderError
from tests.support.bombs import EMPTY_TREE, blob, commit, delta_bomb, nested, tree
from tests.support.git_client import Clone, Pushed
from tests.support.git_server import TOKEN, GitServer, git_server

BOUNDS = FolderBounds(entries=2000, bytes=50_000_000, reserve_bytes=0)
UNTOUCHED = "Nothing was switched: the version that was live still is."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git"), max_bytes=300_000_000, bounds=BOUNDS) as running:
        yield running


def _refused(server: GitServer, pushed: Pushed) -> str:
    """What was said; nothing of the push is left."""
    assert pushed.code != 0, pushed
    assert UNTOUCHED in pushed.told
    assert list((server.root.parent / "staging").glob("push-*")) == []
    assert server.child.running
    return pushed.told


def test_a_tree_of_ten_billion_files_is_refused_at_the_first_too_many(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", server.url("trees"))
    commit(clone, nested(clone, ("blob", blob(clone, b"x")), levels=10, width=10))
    told = _refused(server, clone.push())

    assert "✗ receive: it holds more than 2,000 files and folders" in told
    assert "TIDEGATE_MAX_MODEL_FILES" in told


def test_folders_without_files_count_too(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", server.url("folders"))
    clone.git("mktree", "--missing")
    commit(clone, nested(clone, ("tree", tree(clone, {})), levels=10, width=10))
    assert tree(clone, {}) == EMPTY_TREE

    assert "more than 2,000 files and folders" in _refused(server, clone.push())


def test_a_file_named_many_times_counts_as_often(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", server.url("zeros"))
    zeros = blob(clone, bytes(10_000_000))
    commit(clone, tree(clone, {f"f{number}": ("blob", zeros) for number in range(30)}))
    pushed = clone.push()

    assert "more than 50,000,000 bytes when they are written" in _refused(server, pushed)
    assert "TIDEGATE_MAX_MODEL_BYTES" in pushed.told


def test_folders_too_deep_are_refused(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", server.url("deep"))
    commit(clone, nested(clone, ("blob", blob(clone, b"x")), levels=200, width=1))

    assert "folders deep" in _refused(server, clone.push())


def test_pointers_to_one_lfs_object_count_as_often_as_they_are_copied(tmp_path: Path) -> None:
    content = bytes(1_000_000)
    oid = hashlib.sha256(content).hexdigest()
    clone = Clone(tmp_path / "w", "nowhere")
    store = LfsStore(clone.folder / ".git")
    store.path(oid).parent.mkdir(parents=True)
    store.path(oid).write_bytes(content)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    name = blob(clone, pointer.encode())
    git_dir = str(clone.folder / ".git")
    few = commit(clone, tree(clone, {f"f{number}": ("blob", name) for number in range(3)}))
    many = commit(clone, tree(clone, {f"f{number}": ("blob", name) for number in range(100)}))
    (tmp_path / "few").mkdir()
    (tmp_path / "many").mkdir()
    export(few, tmp_path / "few", store, BOUNDS, None, git_dir)
    with pytest.raises(FolderError, match="more than 50,000,000 bytes"):
        export(many, tmp_path / "many", store, BOUNDS, None, git_dir)

    assert [path.stat().st_size for path in (tmp_path / "few").iterdir()] == [1_000_000] * 3
    assert list((tmp_path / "many").iterdir()) == []


def test_what_was_committed_is_what_is_written(tmp_path: Path) -> None:
    """Attributes that change an archive change nothing here."""
    clone = Clone(tmp_path / "w", "nowhere")
    (clone.folder / ".gitattributes").write_text("left.txt export-ignore\nid.txt export-subst\n")
    (clone.folder / "left.txt").write_text("here")
    (clone.folder / "id.txt").write_text("$Format:%H$")
    made = clone.commit()
    (tmp_path / "files").mkdir()
    export(made, tmp_path / "files", None, BOUNDS, None, str(clone.folder / ".git"))

    found = {path.name: path.read_text() for path in (tmp_path / "files").iterdir()}
    assert found == {"left.txt": "here", "id.txt": "$Format:%H$"}


def test_a_disk_without_room_refuses_before_anything_is_written(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", "nowhere")
    (clone.folder / "model.bin").write_bytes(b"x" * 1000)
    made = clone.commit()
    (tmp_path / "files").mkdir()
    full = FolderBounds(reserve_bytes=10**18)
    with pytest.raises(FolderError, match=r"the disk has no room for it.*TIDEGATE_DISK_RESERVE_MB"):
        export(made, tmp_path / "files", None, full, None, str(clone.folder / ".git"))

    assert list((tmp_path / "files").iterdir()) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"bounds": FolderBounds(reserve_bytes=10**18)}, "the disk has no room"),
        ({"max_repository_bytes": 1000}, "TIDEGATE_MAX_REPOSITORY_BYTES"),
    ],
)
def test_a_repository_that_may_not_grow_takes_no_push(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    with git_server(tmp_path / "s", **given) as full:
        clone = Clone(tmp_path / "w", full.url("full"))
        (clone.folder / "model.bin").write_bytes(bytes(range(256)) * 20)
        clone.commit()
        clone.push("main:refs/tags/first")
        lfs = full.root / "default" / "full.git" / "lfs" / "objects" / "aa" / "aa"
        lfs.mkdir(parents=True)
        (lfs / "x").write_bytes(bytes(2000))
        pushed = clone.push("main:refs/tags/second")
        batch = {"operation": "upload", "objects": [{"oid": "a" * 64, "size": 10_000_000}]}
        address = f"{full.url('full', None)}/info/lfs/objects/batch"
        asked = httpx.post(address, json=batch, auth=("git", TOKEN), timeout=60)

    assert pushed.code != 0
    assert says in pushed.output
    assert asked.status_code == 507
    assert says in asked.json()["message"]


def _push_raw(server: GitServer, model: str, commands: list[str], pack: bytes) -> httpx.Response:
    lines = []
    for number, command in enumerate(commands):
        text = command + ("\0 report-status side-band-64k agent=x\n" if number == 0 else "\n")
        lines.append(f"{len(text) + 4:04x}{text}".encode())
    return httpx.post(
        f"{server.url(model, None)}/git-receive-pack",
        content=b"".join(lines) + b"0000" + pack,
        headers={"Content-Type": "application/x-git-receive-pack-request"},
        auth=("git", TOKEN),
        timeout=120,
    )


def test_a_delta_that_unpacks_to_gigabytes_ends_git_and_nothing_else(server: GitServer) -> None:
    pack = delta_bomb(16_000_000, 250)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    answer = _push_raw(server, "delta", [f"{'0' * 40} {'1' * 40} refs/tags/bomb"], pack)

    assert len(pack) < 20_000
    assert answer.status_code == 200
    assert b"unpack " in answer.content
    assert b"unpack ok" not in answer.content
    # In our words too, before the end of the answer.
    assert "\x02✗ receive: git may have 2,000 MB of memory here".encode() in answer.content
    assert b"Git LFS" in answer.content
    assert answer.content.endswith(b"0000")
    assert server.child.running
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before < 100_000


def test_a_hundred_thousand_refs_in_one_push_are_refused(server: GitServer) -> None:
    gateway = psutil.Process(server.child.pid)
    before = gateway.memory_info().rss
    answer = _push_raw(server, "refs", [f"{'0' * 40} {'1' * 40} refs/tags/t{n}" for n in range(100_000)], b"")

    # As git's protocol says it: on the band of fatal errors.
    assert answer.content.endswith(b"push some of them at a time\n")
    assert b"\x03\xe2\x9c\x97 receive: the push names too many branches and tags" in answer.content
    assert gateway.memory_info().rss - before < 30_000_000


def test_git_shows_why_a_push_of_many_tags_is_refused(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", server.url("tags"))
    made = clone.commit()
    made_refs = "".join(f"create refs/tags/a-tag-with-a-name-{number} {made}\n" for number in range(3000))
    subprocess.run(["git", "update-ref", "--stdin"], cwd=clone.folder, input=made_refs, text=True, check=True)
    pushed = clone.push("--tags")

    assert pushed.code != 0
    assert "✗ receive: the push names too many branches and tags at once" in pushed.told


def test_many_branches_are_not_deployed_one_after_the_other(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", server.url("branches"))
    made = clone.commit()
    for number in range(11):
        clone.git("update-ref", f"refs/heads/b{number}", made)

    assert "11 branches at once" in _refused(server, clone.push("refs/heads/b*:refs/heads/b*"))


@pytest.mark.parametrize("name", ["a\u202eb", "\u200bx", "\u2028", "x" * 230])
def test_a_branch_whose_name_cannot_be_shown_is_refused(server: GitServer, tmp_path: Path, name: str) -> None:
    clone = Clone(tmp_path / "w", server.url("names"))
    clone.commit()
    told = _refused(server, clone.push(f"main:refs/heads/{name}"))

    assert "is no name for a branch or tag here" in told
    assert told.isprintable() or {char for char in told if not char.isprintable()} == {"\n"}


def test_a_packed_body_is_unpacked_within_a_bound(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "w", server.url("packed"))
    clone.commit()
    assert clone.push("main:refs/tags/trial").code == 0
    have = f"0032have {'1' * 40}\n".encode()
    bomb = gzip.compress(have * 4_000_000, 1)
    gateway = psutil.Process(server.child.pid)
    before = gateway.memory_info().rss
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Content-Encoding": "gzip"}
    address = f"{server.url('packed', None)}/git-upload-pack"
    answer = httpx.post(address, content=bomb, headers=headers, auth=("git", TOKEN), timeout=60)

    assert len(bomb) < 2_000_000
    assert "ERR ✗ receive: the request has more than 8,000,000 bytes" in answer.text
    assert gateway.memory_info().rss - before < 30_000_000
    other = httpx.post(address, content=b"no gzip", headers=headers, auth=("git", TOKEN))
    assert "is not what its Content-Encoding says" in other.text


def test_a_client_that_packs_what_it_wants_is_served(server: GitServer, tmp_path: Path) -> None:
    """git packs a request of more than a kilobyte."""
    clone = Clone(tmp_path / "w", server.url("wants"))
    for number in range(60):
        clone.commit(f"Commit {number}")
        clone.git("tag", f"t{number}")
    assert clone.push("--tags").code == 0

    again = clone.run("clone", "--quiet", "--mirror", server.url("wants"), str(tmp_path / "again"))
    assert again.returncode == 0, again.stderr


def test_a_batch_of_many_lfs_objects_is_refused(server: GitServer) -> None:
    objects = [{"oid": f"{number:064x}", "size": 1} for number in range(1001)]
    asked = {"operation": "upload", "objects": objects}
    address = f"{server.url('many', None)}/info/lfs/objects/batch"
    answer = httpx.post(address, json=asked, auth=("git", TOKEN), timeout=60)

    assert answer.status_code == 413
    assert "1,001 objects" in answer.json()["message"]


def test_an_lfs_upload_has_no_more_bytes_than_announced(server: GitServer) -> None:
    content = bytes(5000)
    oid = hashlib.sha256(content).hexdigest()
    asked = {"operation": "upload", "objects": [{"oid": oid, "size": 10}]}
    address = f"{server.url('less', None)}/info/lfs/objects/batch"
    answer = httpx.post(address, json=asked, auth=("git", TOKEN), timeout=60)
    upload = answer.json()["objects"][0]["actions"]["upload"]
    sent = httpx.put(upload["href"], headers=upload["header"], content=content)

    assert sent.status_code == 422
    assert "announced" in sent.json()["message"]
