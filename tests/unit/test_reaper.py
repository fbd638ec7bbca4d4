"""A test run that is killed leaves no stack behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.reaper import end_stack
from tests.support.waiting import wait_until
from tidegate.parts.leftovers import MARK, members

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


# What stands for a supervisor: named as one, and it starts its process again as often as that ends.
SUPERVISOR = """
import os, subprocess, sys
while True:
    subprocess.run([sys.executable, "-c", "input()"], stdin=sys.stdin, env={**os.environ, sys.argv[2]: sys.argv[3]})
"""


def test_a_supervisor_ends_before_what_it_starts_again(tmp_path: Path) -> None:
    home = str(tmp_path)
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, "tidegate.supervisor", MARK, home],
        stdin=subprocess.PIPE,
        env={**os.environ, "TIDEGATE_HOME": home},
    )
    with supervisor:
        wait_until(lambda: members(home), 30, "the process that it starts")
        assert end_stack(home)
        supervisor.wait(60)
    assert not members(home)
    assert not end_stack(home)
