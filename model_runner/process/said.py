"""The end of what a process says, read from a pipe: however much it is, it takes no disk and a bounded memory."""

import asyncio
from asyncio import StreamReader

TAIL_BYTES = 65_536
_FREE_BYTES = 4_000_000
"""What may be said at any speed; beyond it whoever says more is slowed down to 6 MB/s."""
_PAUSE_S = 0.01


class Said:
    """`listen` in a task of its own until the process has ended."""

    def __init__(self) -> None:
        self._tail = bytearray()
        self._read = 0

    @property
    def text(self) -> str:
        return self._tail.decode("utf-8", "replace")

    async def listen(self, pipe: StreamReader) -> None:
        """Until nobody can write to it any more."""
        while data := await pipe.read(TAIL_BYTES):
            self._read += len(data)
            self._tail += data
            del self._tail[:-TAIL_BYTES]
            if self._read > _FREE_BYTES:
                await asyncio.sleep(_PAUSE_S)
