"""Trains the example in a process of its own, as its user would."""

import subprocess
import sys
from pathlib import Path

TRAIN_S = 120.0


class DemoError(Exception):
    """The demo could not go on; the message says why and what to do."""


def start_training(example: Path, work: Path) -> subprocess.Popen[str]:
    """Begin to train in a process of its own; the stack can start meanwhile.

    Raises:
        DemoError: the example is not there.
    """
    script = example / "train.py"
    if not script.is_file():
        raise DemoError(f"{script} is not there: run the demo from a clone of the repository.")
    command = [sys.executable, str(script), str(work / "model"), "--traffic", str(work / "traffic")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish_training(training: subprocess.Popen[str]) -> str:
    """What it printed.

    Raises:
        DemoError: it failed, or took too long.
    """
    try:
        output, _ = training.communicate(timeout=TRAIN_S)
    except subprocess.TimeoutExpired as error:
        training.kill()
        raise DemoError(f"Training did not end in {TRAIN_S:.0f} s.") from error
    if training.returncode:
        raise DemoError(f"Training failed:\n{output[-2000:]}")
    return output.strip()
