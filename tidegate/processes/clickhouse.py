"""`python -m tidegate.processes.clickhouse`: the embedded ClickHouse, confined to its own folder."""

import logging
import sys
from pathlib import Path

from storage.clickhouse_server.__main__ import main
from tidegate.backends.clickhouse_sandbox import confine, trouble
from tidegate.processes import all_is_loaded

log = logging.getLogger("tidegate.clickhouse")


def confine_or_warn(folder: Path) -> None:
    """A statement that gets past the engine's own rights finds nothing outside of the folder."""
    missing = trouble()
    if missing is None:
        confine(folder)
    else:
        log.warning("runs without a sandbox: %s", missing)


if __name__ == "__main__":
    all_is_loaded()
    sys.exit(main(confine_or_warn))
