"""Which records of a consumer are begun and not finished, and so how far each partition may be committed."""


class Unfinished:
    """Records may finish in any order; what is committed never passes one that has not."""

    def __init__(self) -> None:
        self._open: dict[int, set[int]] = {}
        self._next: dict[int, int] = {}
        self._committed: dict[int, int] = {}

    def begin(self, partition: int, offset: int) -> None:
        """A record was read; the next one of its partition has a higher offset."""
        self._open.setdefault(partition, set()).add(offset)
        self._next[partition] = offset + 1

    def finish(self, partition: int, offset: int) -> None:
        """Nothing is lost any more when the record is not read again. Of a forgotten partition: no effect."""
        self._open.get(partition, set()).discard(offset)

    def empty(self) -> bool:
        return not any(self._open.values())

    def committable(self) -> dict[int, int]:
        """By partition, the offset to commit (the next to read), where it is not what was committed last."""
        reached = {p: min(self._open[p], default=after) for p, after in self._next.items()}
        return {p: offset for p, offset in reached.items() if offset > self._committed.get(p, 0)}

    def committed(self, offsets: dict[int, int]) -> None:
        """The broker has them."""
        self._committed.update({p: offset for p, offset in offsets.items() if p in self._next})

    def forget(self, partition: int) -> None:
        """Another consumer has it now, or this one will read it anew from what was committed."""
        for of_partition in (self._open, self._next, self._committed):
            of_partition.pop(partition, None)
