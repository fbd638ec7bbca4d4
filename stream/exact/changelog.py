"""What one worker knows of a changelog: the furthest record of each key, and which are damaged. Pure.

A damaged record takes nothing away: what was there before it stays, and whoever reads the values is told.
"""

from collections.abc import Iterator, MutableMapping
from typing import NamedTuple

from stream.exact.pieces import WHOLE, Written, join, name_of, split, suffixes
from stream.exact.sealing import HEADER, open_record, seal

DETAIL_CHARS = 200


class Damage(NamedTuple):
    """One record that cannot be read."""

    name: str | None
    """Of the value that it belongs to; None where the key does not say it."""
    offset: int
    """Of the changelog; -1 where only a value made of several records cannot be read."""
    raw: bytes
    detail: str


class Changelog:
    """Of all partitions that the worker holds. `data`: records by key, which `take` and the owner's writes change."""

    def __init__(self, data: MutableMapping[bytes, bytes]) -> None:
        self.data = data
        self._known: dict[tuple[int, str], Written] = {}
        """Of the values that were written or read here, by partition and name."""
        self._damaged: dict[bytes, tuple[int, Damage]] = {}
        """By key: partition, and what is wrong with the record that was written last."""

    def take(self, partition: int, offset: int, key: bytes, record: bytes | None) -> None:
        """A record as it is read back. Of a key the furthest intact one holds, not the last that arrived."""
        if record is None:
            self.data.pop(key, None)
            self._damaged.pop(key, None)
            return
        try:
            open_record(key, record)
        except ValueError as error:
            detail = str(error)[:DETAIL_CHARS]
            self._damaged[key] = (partition, Damage(_name(partition, key), offset, record, detail))
            return
        if supersedes(record, self.data.get(key)):
            self.data[key] = record
            self._damaged.pop(key, None)

    def damaged(self, partition: int) -> list[Damage]:
        """Records of a partition that were not replaced since."""
        return [damage for of, damage in self._damaged.values() if of == partition]

    def take_damaged(self, partition: int) -> Iterator[bytes]:
        """Keys of damaged records under which nothing stands; they are to be removed, and count as removed."""
        for key in [key for key, (of, _) in self._damaged.items() if of == partition]:
            del self._damaged[key]
            yield key

    def partition_of(self, key: bytes) -> int:
        """Where a key of ours lives, or a damaged one was found."""
        found = self._damaged.get(key)
        return found[0] if found is not None else int(key[: key.index(b"/")])

    def split(self, partition: int, name: str, value: bytes) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
        """Records to write for a value that `pack_value` made, by key; and keys to remove after that."""
        known = self._known.pop((partition, name), None)
        header, payload = value[: HEADER.size], value[HEADER.size :]
        self._known[partition, name], pieces, removed = split(payload, known)
        keyed = [(partition_key(partition, name + suffix), piece) for suffix, piece in pieces]
        for key, _ in keyed:
            self._damaged.pop(key, None)
        records = [(key, seal(key, header, piece)) for key, piece in keyed]
        return records, [partition_key(partition, name + suffix) for suffix in removed]

    def keys_of(self, partition: int, name: str) -> list[bytes]:
        """Of a value that is to be deleted."""
        known = self._known.pop((partition, name), None)
        return [partition_key(partition, name + suffix) for suffix in suffixes(known or Written(counts={WHOLE: 1}))]

    def values_of(self, partition: int, incarnation: bytes) -> tuple[dict[str, bytes], list[Damage]]:
        """Payloads of one partition by name, and what is damaged; values of a topic that was made anew since are left
        out. A value that was never written to its end is empty.
        """
        prefix = partition_key(partition)
        records = {
            key[len(prefix) :].decode(): (HEADER.unpack_from(record)[1], open_record(key, record))
            for key, record in self.data.items()
            if key.startswith(prefix) and record.startswith(incarnation)
        }
        found, unreadable = join(records)
        self._known = {key: written for key, written in self._known.items() if key[0] != partition}
        self._known.update({(partition, name): written for name, (_, written) in found.items()})
        damage = self.damaged(partition) + [Damage(name, -1, b"", detail) for name, detail in unreadable.items()]
        return {name: payload for name, (payload, _) in found.items()}, damage


def pack_value(incarnation: bytes, as_of: int, payload: bytes) -> bytes:
    return HEADER.pack(incarnation, as_of) + payload


def supersedes(new: bytes, old: bytes | None) -> bool:
    """A worker that lost its partition may still write an older value after the new owner's: the further one holds."""
    if old is None:
        return True
    new_incarnation, new_as_of = HEADER.unpack_from(new)
    old_incarnation, old_as_of = HEADER.unpack_from(old)
    return bool(new_incarnation != old_incarnation or new_as_of >= old_as_of)


def partition_key(partition: int, name: str = "") -> bytes:
    """A key of a changelog: the partition whose state it is comes first."""
    return f"{partition}/{name}".encode()


def _name(partition: int, key: bytes) -> str | None:
    prefix = partition_key(partition)
    try:
        return name_of(key[len(prefix) :].decode()) if key.startswith(prefix) else None
    except ValueError:
        return None
