"""The chDB folder: opened once by this process, held to a small memory, closed cleanly."""

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

import chdb
import psutil

from storage.clickhouse_server import rights
from storage.clickhouse_server.config import ClickHouseServerConfig

_SCRATCH = ".tidegate"


class FolderInUseError(RuntimeError):
    """Another process owns the folder."""


class Engine:
    """One open chDB folder; `connect` gives as many connections to it as wanted.

    Raises FolderInUseError when another process has the folder open.
    """

    def __init__(self, config: ClickHouseServerConfig) -> None:
        self._path = config.path.absolute()
        self.scratch = self._path / _SCRATCH
        """Folder for bodies and results that wait on disk; emptied at each start."""
        self._path.mkdir(parents=True, exist_ok=True)
        refuse_folder_in_use(self._path)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        users = self.scratch / "users.xml"
        users.write_text(rights.users_settings(), encoding="utf-8")
        rights.adopt_default_database(self._path)
        settings = self.scratch / "config.xml"
        settings.write_text(_server_settings(config, users), encoding="utf-8")
        self._connection_string = f"{self._path}?config-file={settings}"
        # The engine resolves a bare file name against the working folder: give it one with nothing in it.
        os.chdir(tempfile.mkdtemp(dir=self.scratch))
        self._keeper = self.connect()
        self._keeper.query(f"DROP DATABASE IF EXISTS {rights.NO_FILES}", "TabSeparated")
        self.version = self._text("SELECT version()")
        self.timezone = self._text("SELECT timezone()")
        self.display_name = socket.gethostname()

    def connect(self) -> "chdb.state.sqlitelike.Connection":
        """A new connection; costs about a millisecond once the folder is open."""
        connect = cast(Callable[[str], "chdb.state.sqlitelike.Connection"], chdb.connect)  # it says no types itself
        try:
            return connect(self._connection_string)
        except RuntimeError as error:
            raise FolderInUseError(
                f"The ClickHouse folder {self._path} cannot be opened: {error}. Is another process using it?"
            ) from error

    def purge_memory(self) -> None:
        """Give the memory that the engine has freed back to the system."""
        self._keeper.query("SYSTEM JEMALLOC PURGE", "TabSeparated")

    def close(self) -> None:
        """Close the folder. Connections given out must be closed before."""
        self._keeper.close()

    def _text(self, sql: str) -> str:
        found: bytes = self._keeper.query(sql, "TabSeparated").bytes()
        return found.decode().rstrip("\n")


def refuse_folder_in_use(path: Path) -> None:
    """Raise FolderInUseError, with the owner's pid, when a living process holds the folder's lock.

    The engine holds a lock on `status`; the file of a killed process stays behind without one.
    """
    status = path / "status"
    try:
        with status.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = file.readline().decode(errors="replace").strip() or "an unknown process"
                raise FolderInUseError(
                    f"The ClickHouse folder {path} is in use ({owner}): stop that process or use another folder"
                ) from None
    except FileNotFoundError:
        return


def _server_settings(config: ClickHouseServerConfig, users: Path) -> str:
    memory = config.max_server_memory_bytes or psutil.virtual_memory().total * 6 // 10
    values = {
        "max_server_memory_usage": memory,
        # Merges at low priority: on two cores they would otherwise starve queries and inserts.
        "background_pool_size": 1,
        "background_merges_mutations_concurrency_ratio": max(1, config.merge_threads),
        "os_threads_nice_value_merge_mutate": 10,
        "background_schedule_pool_size": 4,
        "background_schedule_pool_initial_size": 2,
        "max_thread_pool_free_size": 8,
    }
    caches = (
        "mark_cache_size index_mark_cache_size primary_index_cache_size vector_similarity_index_cache_size"
        " text_index_tokens_cache_size text_index_header_cache_size text_index_postings_cache_size"
        " compiled_expression_cache_size query_condition_cache_size parquet_metadata_cache_size"
        " iceberg_metadata_files_cache_size"
    )
    values |= dict.fromkeys(caches.split(), config.mark_cache_bytes)
    # With a pool this small the defaults of these three would never let a large merge or a mutation run.
    reserve = (
        "number_of_free_entries_in_pool_to_execute_mutation"
        " number_of_free_entries_in_pool_to_lower_max_size_of_merge"
        " number_of_free_entries_in_pool_to_execute_optimize_entire_partition"
    )
    lines = [f"<{name}>{value}</{name}>" for name, value in values.items()]
    merge_tree = "".join(f"<{name}>1</{name}>" for name in reserve.split())
    confined = "" if config.allow_external_access else rights.server_settings(users)
    kept = f"<keep_free_space_bytes>{config.keep_free_bytes}</keep_free_space_bytes>"
    disks = f"<storage_configuration><disks><default>{kept}</default></disks></storage_configuration>"
    return f"<clickhouse>{confined}{''.join(lines)}{disks}<merge_tree>{merge_tree}</merge_tree></clickhouse>\n"
