"""Processes whose wall clock a test sets, forward and back, as an administrator or NTP does; others keep theirs."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "native" / "shifted_clock.c"


@dataclass(frozen=True)
class ShiftedClock:
    """The embedded broker keeps the machine's clock: it gets no environment but its own."""

    library: Path
    file: Path

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process read this clock."""
        return {"LD_PRELOAD": str(self.library), "SHIFTED_CLOCK": str(self.file)}

    def set(self, seconds: int) -> None:
        """Ahead of the machine's, or behind it, from this moment on in every process."""
        with self.file.open("r+b", buffering=0) as file:
            file.write(seconds.to_bytes(8, "little", signed=True))


def shifted_clock(folder: Path) -> ShiftedClock:
    """Compiled for this machine; the test is skipped where that cannot be done."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("NOT TESTED: no C compiler, by which processes get a clock of their own")
    library = folder / "shifted_clock.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED: what gives processes a clock of their own is not compiled: {done.stderr}")
    file = folder / "shift"
    file.write_bytes(bytes(8))
    return ShiftedClock(library, file)
