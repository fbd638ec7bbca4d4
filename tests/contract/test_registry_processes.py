"""Two processes on one registry: both migrate it, both write to it, and neither loses a write or fails on a lock."""

import subprocess
import sys
from pathlib import Path

from storage import registry

WRITES = 40
WRITER = f"""
import sys
from storage import registry
dsn, name = sys.argv[1:]
registry.upgrade(dsn)
database = registry.Database(dsn)
for _ in range({WRITES}):
    version = registry.create_version(database, "shared", artifact_url=name, sha256="0" * 64, format="joblib",
                                      input_schema=None, manifest={{}})
    registry.switch_route(database, registry.create_deployment(database, version.id).id)
    registry.desired_runners(database)
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    dsn = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, dsn, name], stderr=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    ends = [(writer.communicate(timeout=60)[1], writer.returncode) for writer in writers]
    assert ends == [("", 0), ("", 0)]
    database = registry.Database(dsn)
    model = registry.get_model(database, "shared")
    assert [version.number for version in model.versions] == list(range(1, 2 * WRITES + 1))
    assert {version.artifact_url for version in model.versions} == {"a", "b"}
    wanted = registry.desired_runners(database)
    assert sorted(runner.status for runner in wanted) == [registry.Status.LIVE, registry.Status.WARM]
    assert database.revision() == 3 * 2 * WRITES
    database.close()
