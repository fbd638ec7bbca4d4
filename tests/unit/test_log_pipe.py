"""What a process says: bounded in rate and size, rotated by who reads it, and what is dropped is said."""

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.support.waiting import wait_until
from tidegate.supervisor.allowance import Allowance, Meter
from tidegate.supervisor.log_pipe import BoundedLog, LogPipe

SMALL = Allowance(burst_bytes=1000, bytes_per_s=100)


@given(st.lists(st.tuples(st.binary(max_size=3000), st.floats(0, 5)), max_size=30))
def test_every_byte_is_written_or_counted_and_no_more_than_may(said: list[tuple[bytes, float]]) -> None:
    now = 0.0
    meter = Meter(SMALL, now)
    written = 0
    for data, pause in said:
        now += pause
        allowed = meter.take(data, now)
        assert data.startswith(allowed)
        written += len(allowed)
        assert written <= SMALL.burst_bytes + now * SMALL.bytes_per_s + 1e-6
    assert written + meter.dropped == sum(len(data) for data, _ in said)


def test_what_is_dropped_ends_with_a_whole_line_and_is_told_once() -> None:
    meter = Meter(SMALL, 0.0)
    assert meter.take(b"line\n" * 300, 0.0) == b"line\n" * 200
    assert meter.told().startswith("tidegate: 500 bytes of this log were dropped: more than 0 kB a second")
    assert meter.told() == ""
    # A clock that is set back gives nothing, and takes nothing.
    assert meter.take(b"x\n", -50.0) == b""


def _say(log: BoundedLog, code: str) -> None:
    pipe = LogPipe(log)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=pipe.end, stderr=pipe.end)
    pipe.close()
    child.wait()
    pipe.join(60)


def test_a_flood_is_bounded_on_disk_and_the_log_says_so(tmp_path: Path) -> None:
    path = tmp_path / "runner.log"
    log = BoundedLog(path, Allowance(300_000, 1000), max_bytes=100_000)
    _say(log, "for n in range(200_000): print(n, 'x' * 100)")
    files = sorted(tmp_path.iterdir())
    assert [each.name for each in files] == ["runner.log", "runner.log.1", "runner.log.2"]
    assert all(each.stat().st_size <= 100_200 for each in files)
    assert "bytes of this log were dropped" in path.read_text()


def test_all_that_a_process_said_is_there_once_it_has_ended(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "part.log", Allowance(10_000_000, 1000))
    for life in ("first", "second"):
        _say(log, f"import os; print('{life}' * 20_000, flush=True); os._exit(1)")
    assert (tmp_path / "part.log").read_text() == f"{'first' * 20_000}\n{'second' * 20_000}\n"


def test_a_disk_that_takes_nothing_costs_lines_and_not_the_reader(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    log = BoundedLog(folder / "part.log", Allowance(1000, 1000))
    pipe = LogPipe(log)
    os.write(pipe.end, b"lost\n")
    wait_until(lambda: log.drops, 10, "the line to be counted")
    folder.mkdir()
    os.write(pipe.end, b"kept\n")
    pipe.close()
    pipe.join(60)
    said = (folder / "part.log").read_text().splitlines()
    assert said[0].startswith("tidegate: 5 bytes of this log were dropped")
    assert said[1] == "kept"
