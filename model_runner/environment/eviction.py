"""Keeps the store within its limit: what no deployment uses goes, the least recently used first."""

import secrets
import time
from collections.abc import Collection
from contextlib import suppress

from model_runner.environment.errors import EnvironmentBuildError
from model_runner.environment.sealing import remove, unseal_top
from model_runner.environment.store import BUILDING, RESOLVING, TRASH, Entry, Store
from model_runner.environment.uv import run_uv

GRACE_S = 600.0
"""What was used so recently stays: it may be that of a deployment which the registry does not know yet."""
CLEAN_S = 20.0


def evict(store: Store, limit_bytes: int, in_use: Collection[str], *, grace_s: float = GRACE_S) -> list[Entry]:
    """Remove environments, then uv's downloads, until the rest is within the limit; the environments that went.

    Args:
        limit_bytes: for all environments and downloads together. What is in use stays even above it.
        in_use: keys of the environments that deployments use.
        grace_s: what was used in so many last seconds stays too.
    """
    _clear_leftovers(store, grace_s)
    entries = store.entries()
    downloads = store.downloads_bytes()
    total = downloads + sum(entry.about.bytes for entry in entries)
    gone = []
    for entry in reversed(entries):
        if total <= limit_bytes:
            break
        if entry.about.key not in in_use and _remove_unused(store, entry.about.key, grace_s):
            gone.append(entry)
            total -= entry.about.bytes
    if total > limit_bytes and downloads:
        clear_downloads(store)
    return gone


def _remove_unused(store: Store, key: str, grace_s: float) -> bool:
    """False where it is being built or was used a moment ago."""
    with suppress(BlockingIOError), store.lock(key, wait=False):
        if time.time() - store.last_used(key) < grace_s:
            return False
        folder = store.folder(key)
        store.seals.forget(key)
        unseal_top(folder)
        trash = store.root / f"{TRASH}{secrets.token_hex(6)}"
        folder.rename(trash)
        remove(trash)
        return True
    return False


def clear_downloads(store: Store) -> None:
    """They can be had again. uv waits for those that read them; where that takes too long they stay this time."""
    with suppress(EnvironmentBuildError):
        run_uv(("cache", "clean"), store.root, store.downloads, lambda _: None, CLEAN_S)


def _clear_leftovers(store: Store, grace_s: float) -> None:
    """What processes left behind that were killed."""
    if not store.root.is_dir():
        return
    for path in store.root.iterdir():
        if path.name.startswith(TRASH):
            remove(path)
        elif path.name.startswith(BUILDING):
            with suppress(BlockingIOError), store.lock(path.name.removeprefix(BUILDING).split("-")[0], wait=False):
                remove(path)
        elif path.name.startswith(RESOLVING) and time.time() - path.stat().st_mtime > grace_s:
            remove(path)
