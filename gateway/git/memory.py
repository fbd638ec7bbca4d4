"""Git that may have no more memory: how that is recognised, and what is said of it beside git's own words."""

import re

MEMORY_BYTES = 2_000_000_000
"""Of one process of git. A pack of a few kilobytes may say that it is gigabytes (a delta that copies the same bytes
again and again), and git unpacks it in memory; ordinary files of any size are streamed."""
NO_MEMORY = (
    f"git may have {MEMORY_BYTES // 10**6:,} MB of memory here, and an object of this repository takes more when it is "
    "unpacked. Store large files by Git LFS (`git lfs migrate import --above=100MB`), or split them"
)
_WORDS = rb"out of memory|cannot allocate memory|unable to create thread|mmap failed|malloc failed"
# At the beginning of a line or of a packet: "remote: fatal: …" is another machine's trouble.
_SAID = re.compile(rb"(?:^|[\r\n\x02])(?:fatal|error): [^\r\n]*(?:" + _WORDS + rb")", re.IGNORECASE)
_TAIL = 200
_FLUSH = b"0000"


def says_no_memory(said: bytes) -> bool:
    """Whether these are the words of a git of our own that ended for want of memory."""
    return _SAID.search(said) is not None


class MemoryNote:
    """Stands in an answer of git-receive-pack: what comes is handed on at once; at its end our words are added."""

    def __init__(self) -> None:
        self._tail = b""
        self._held = b""
        self._found = False

    def feed(self, chunk: bytes) -> bytes:
        """What to send now. A packet that ends the answer is kept back."""
        self._found = self._found or says_no_memory(self._tail + chunk)
        self._tail = (self._tail + chunk)[-_TAIL:]
        data = self._held + chunk
        self._held = _FLUSH if data.endswith(_FLUSH) else b""
        return data.removesuffix(_FLUSH)

    def end(self) -> bytes:
        """What is left to send."""
        note = f"\x02✗ receive: {NO_MEMORY}\n".encode() if self._found and self._held else b""
        return (f"{len(note) + 4:04x}".encode() + note if note else b"") + self._held
