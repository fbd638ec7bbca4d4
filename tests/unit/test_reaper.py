"""A test run that is killed leaves no stack behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import wait_until
from tidegate.supervisor.leftovers import MARK, members

_ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys
from pathlib import Path
from tests.support.reaper import reap_with_us
reap_with_us(Path(sys.argv[1]))
print(flush=True)
sys.stdin.read()
"""


def test_what_a_killed_test_run_started_ends(tmp_path: Path) -> None:
    left = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env={**os.environ, MARK: str(tmp_path)},
        start_new_session=True,
    )
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT
    )
    with left, run:
        assert run.stdout is not None
        run.stdout.readline()
        wait_until(lambda: members(str(tmp_path)), 30, "the process that is left")
        run.send_signal(signal.SIGKILL)
        assert left.wait(60) == -signal.SIGKILL
