"""`python -m tidegate.pods.serve --from FOLDER …`: becomes the runner of what was fetched there.

All other arguments are those of `python -m model_runner`.
"""

import argparse
import os
import sys
from pathlib import Path

from tidegate.pods.start_file import read_start


def main() -> None:
    """Becomes the runner, or ends with exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m tidegate.pods.serve", description=__doc__)
    parser.add_argument("--from", dest="root", type=Path, required=True, help="folder that the fetching step filled")
    told, rest = parser.parse_known_args()
    try:
        start = read_start(told.root)
    except OSError as error:
        print(f"error: nothing was fetched to {told.root}: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    command = [start.executable, *start.options, *start.entry, "--folder", start.folder, *rest]
    # The same process: signals reach the runner, and it drains.
    os.execv(start.executable, command)  # noqa: S606


if __name__ == "__main__":
    main()
