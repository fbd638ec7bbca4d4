"""Durable writes and sealed caches, for packages that may import the gateway's parts and not the runner's."""

from model_runner.disk.durable import (
    make_file,
    make_folder,
    replace,
    sync_file,
    sync_folder,
    sync_tree,
    write_file,
)
from model_runner.disk.seals import Seals

__all__ = ["Seals", "make_file", "make_folder", "replace", "sync_file", "sync_folder", "sync_tree", "write_file"]
