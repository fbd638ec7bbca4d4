"""The examples of this checkout, trained by their own scripts."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def trained(example: str, folder: Path) -> Path:
    """`folder` with what the example's script writes there."""
    script = EXAMPLES / example / "train.py"
    subprocess.run([sys.executable, str(script), str(folder)], check=True, timeout=600)
    return folder
