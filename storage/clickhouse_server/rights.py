"""What the engine itself lets any SQL do: its one user may work in databases, and reach nothing outside of them.

The embedded engine reads users and grants as a server does (`users_config`). It gives no source (file, url, s3, remote
and so on), no table engine that is one, no dictionary (its source may be one), no backup, and of SYSTEM only what keeps
a server going. It cannot refuse the scalar function `file()` and the engine `Executable`: see `external_access.py`, and
the sandbox of the process.
"""

import os
from pathlib import Path
from uuid import uuid4

NO_FILES = "_files"
"""The engine makes this database of the files in its working folder; see `adopt_default_database`."""
_EVERYWHERE = (
    "CHECK",
    "SHOW",
    "SHOW ROW POLICIES",  # a list that is always empty: clients ask for it, and nobody can make one
    "SELECT",
    "INSERT",
    "ALTER",
    "CREATE DATABASE",
    "CREATE TABLE",
    "CREATE VIEW",
    "CREATE TEMPORARY TABLE",
    "CREATE FUNCTION",
    "DROP",
    "UNDROP TABLE",
    "TRUNCATE",
    "OPTIMIZE",
    "KILL QUERY",
    "dictGet",
    "SYSTEM JEMALLOC",
    "SYSTEM FLUSH",
    "SYSTEM MERGES",
    "SYSTEM TTL MERGES",
    "SYSTEM SYNC REPLICA",
    "SYSTEM DROP CACHE",
    "SYSTEM VIEWS",
    "SYSTEM WAIT LOADING PARTS",
)
_MERGE_TREES = (
    "",
    "Replacing",
    "Summing",
    "Aggregating",
    "Collapsing",
    "VersionedCollapsing",
    "Coalescing",
    "Graphite",
)
_ENGINES = (
    *(f"{kind}MergeTree" for kind in _MERGE_TREES),
    *("Memory", "Log", "TinyLog", "StripeLog", "Null", "Set", "Join", "Buffer", "Merge", "GenerateRandom", "Alias"),
    *("Atomic", "Ordinary"),  # of databases, where they ask for a grant
)


def users_settings() -> str:
    """The file `users_config`: one user without a password, since the process itself asks for that."""
    grants = [f"GRANT {', '.join(_EVERYWHERE)} ON *.*", *(f"GRANT TABLE ENGINE ON {engine}" for engine in _ENGINES)]
    queries = "".join(f"<query>{grant}</query>" for grant in grants)
    user = "<password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>"
    return (
        "<clickhouse><profiles><default></default></profiles><quotas><default></default></quotas>"
        f"<users><default>{user}<grants>{queries}</grants></default></users></clickhouse>\n"
    )


def server_settings(users: Path) -> str:
    """What of the server's settings belongs to it."""
    return (
        f"<users_config>{users}</users_config><default_database>{NO_FILES}</default_database>"
        "<access_control_improvements><table_engines_require_grant>true</table_engines_require_grant>"
        "</access_control_improvements>"
    )


def adopt_default_database(path: Path) -> None:
    """Give the folder a database `default` like any other, with the tables that it has already.

    Left alone, the engine makes it an overlay of the tables and of all files of this machine, and keeps only the
    former's place on disk: a link whose target ends in the database's id. The link goes, else the engine gives that id
    to the overlay; with the description it makes the link anew.
    """
    metadata = path / "metadata"
    metadata.mkdir(parents=True, exist_ok=True)
    description, link = metadata / "default.sql", metadata / "default"
    if not description.exists():
        database_id = Path(os.readlink(link)).name if link.is_symlink() else str(uuid4())
        scratch = description.with_suffix(".sql.tmp")
        scratch.write_text(f"ATTACH DATABASE _ UUID '{database_id}'\nENGINE = Atomic\n", encoding="ascii")
        scratch.replace(description)
    if link.is_symlink():
        link.unlink()
