"""The numbered migrations of ClickHouse's tables, one statement a file.

ClickHouse's DDL has no transactions, so each statement must be harmless when it runs again (`IF NOT EXISTS`,
`IF EXISTS`), also after those behind it. That is what lets a migration go on after it was cut off (a new database
begins anew), and two `tidegate migrate` run at once.
An applied file never changes: its checksum is kept. Write the next one instead. How long rows are kept is a
setting, applied by storage/clickhouse/ttl.py.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load() -> list[Migration]:
    """Every migration, in order.

    Raises:
        ValueError: the numbers do not go up one by one from 1.
    """
    found = []
    for file in files(__name__).iterdir():
        if file.name.endswith(".sql"):
            found.append(Migration(int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text("utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"migrations must be numbered 1, 2, 3, ...: {[migration.name for migration in found]}")
    return found
