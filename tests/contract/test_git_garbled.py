"""Pushes that are nearly right, against real git behind the product's remote: each is answered, the next is taken."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.git.content.tree import parse_pointer
from tests.support.git_client import Clone
from tests.support.git_server import TOKEN, GitServer, git_server
from tests.support.mutations import mutated

SEED = 11
PUSHES = 40
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 12345\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git")) as running:
        yield running


def packet(line: bytes) -> bytes:
    return b"%04x%b" % (len(line) + 4, line)


def push_of(clone: Clone, ref: str, commit: str) -> bytes:
    """What git sends: the command, and a pack with all that the commit needs."""
    pack = subprocess.run(
        ["git", "pack-objects", "--stdout", "--revs"],
        cwd=clone.folder,
        input=f"{commit}\n".encode(),
        capture_output=True,
        check=True,
    ).stdout
    command = f"{'0' * 40} {commit} {ref}\0 report-status side-band-64k agent=git/2.40".encode()
    return packet(command) + b"0000" + pack


def send(server: GitServer, model: str, body: bytes) -> httpx.Response:
    kind = "application/x-git-receive-pack-request"
    address = f"{server.url(model, None)}/git-receive-pack"
    return httpx.post(address, content=body, headers={"Content-Type": kind}, auth=("git", TOKEN), timeout=60)


def test_garbled_packs_are_answered_and_cost_themselves(server: GitServer, tmp_path: Path) -> None:
    """The header of the pack (signature, version, number of objects), its objects, and the commands before it."""
    clone = Clone(tmp_path / "model", server.url("packs"))
    (clone.folder / "model.txt").write_text("weights " * 50)
    clone.commit()
    clone.git("tag", "first")
    assert clone.push("first").code == 0
    dice = random.Random(SEED)
    for number in range(PUSHES):
        (clone.folder / "model.txt").write_text(f"weights {number}")
        whole = push_of(clone, f"refs/tags/v{number}", clone.commit())
        at = whole.index(b"PACK")
        cut = dice.choice((at, at + 12))
        changed = dice.choice(
            (
                mutated([whole], dice),
                whole[:at] + mutated([whole[at : at + 12]], dice) + whole[at + 12 :],
                whole[:cut] + mutated([whole[cut:]], dice),
            )
        )
        answer = send(server, "packs", changed)
        assert answer.status_code < 500, (changed, answer.text)
        assert b"Traceback" not in answer.content, (changed, answer.content)
    clone.git("tag", "last")
    pushed = clone.push("last")
    assert pushed.code == 0, pushed
    assert server.child.running


def test_garbled_pointers_are_objects_that_are_missing(server: GitServer, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "model", server.url("pointers"))
    (clone.folder / "model.pkl").write_bytes(POINTER)
    clone.commit()
    dice = random.Random(SEED)
    # What is no pointer any more is a file like others, and would wait for a deployer.
    mutants = (mutated([POINTER], dice) for _ in range(5000))
    contents = list(dict.fromkeys(content for content in mutants if parse_pointer(content) is not None))[:8]
    assert len(contents) == 8
    for number, content in enumerate(contents):
        clone.git("checkout", "--quiet", "-B", f"b{number}", "main")
        (clone.folder / "model.pkl").write_bytes(content)
        clone.commit()
    pushed = clone.push(*(f"b{number}" for number in range(len(contents))))
    assert "Traceback" not in pushed.output
    assert pushed.told.count("git lfs push") == len(contents), pushed
    assert server.child.running
