"""Small repositories that are large once they are unpacked."""

import hashlib
import subprocess
import zlib

from tests.support.git_client import Clone

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def blob(clone: Clone, content: bytes) -> str:
    done = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=clone.folder, input=content, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def tree(clone: Clone, entries: dict[str, tuple[str, str]]) -> str:
    """Of objects by name: (`blob` or `tree`, id)."""
    modes = {"blob": "100644", "tree": "040000"}
    lines = "".join(f"{modes[kind]} {kind} {name}\t{path}\n" for path, (kind, name) in entries.items())
    done = subprocess.run(["git", "mktree"], cwd=clone.folder, input=lines, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def nested(clone: Clone, leaf: tuple[str, str], *, levels: int, width: int) -> str:
    """A tree of width ** levels leaves, from one object a level."""
    found = leaf
    for _ in range(levels):
        found = ("tree", tree(clone, {f"f{number}": found for number in range(width)}))
    return found[1]


def commit(clone: Clone, root: str, branch: str = "main") -> str:
    made = clone.git("commit-tree", root, "-m", "A bomb")
    clone.git("update-ref", f"refs/heads/{branch}", made)
    return made


def delta_bomb(base_bytes: int, copies: int) -> bytes:
    """A pack of two objects: zeros, and a delta that copies them again and again."""
    base = bytes(base_bytes)
    packed = _entry(3, base_bytes) + zlib.compress(base, 9)
    # Copy from offset 0: 0x80 and the bits of the three bytes of the size.
    copy = bytes([0x80 | 0x10 | 0x20 | 0x40]) + base_bytes.to_bytes(3, "little")
    delta = _size(base_bytes) + _size(base_bytes * copies) + copy * copies
    second = _entry(6, len(delta)) + _offset(len(packed)) + zlib.compress(delta, 9)
    body = b"PACK" + (2).to_bytes(4, "big") + (2).to_bytes(4, "big") + packed + second
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def _entry(kind: int, size: int) -> bytes:
    head = [(kind << 4) | (size & 15)]
    size >>= 4
    while size:
        head[-1] |= 0x80
        head.append(size & 0x7F)
        size >>= 7
    return bytes(head)


def _size(size: int) -> bytes:
    found = []
    while True:
        found.append(size & 0x7F)
        size >>= 7
        if not size:
            return bytes([*(byte | 0x80 for byte in found[:-1]), found[-1]])
        # The last has no mark.


def _offset(distance: int) -> bytes:
    found = [distance & 0x7F]
    distance >>= 7
    while distance:
        distance -= 1
        found.insert(0, 0x80 | (distance & 0x7F))
        distance >>= 7
    return bytes(found)
