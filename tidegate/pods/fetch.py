"""`python -m tidegate.pods.fetch`: the first step of a pod. Brings the model's files, and the environment they need."""

import argparse
import json
import sys
from pathlib import Path

from model_runner.environment import EnvironmentBuildError, Store, restore
from model_runner.errors import ModelError
from model_runner.plain_text import printable
from storage.artifacts import ArtifactError, fetch
from tidegate.pods.start_file import Start, write_start


def main() -> int:
    """1 with the reason on stderr, for the pod's status."""
    parser = argparse.ArgumentParser(prog="python -m tidegate.pods.fetch", description=__doc__)
    parser.add_argument("--url", required=True, help="fsspec URL of the artifact")
    parser.add_argument("--sha256", required=True, help="hash of its content")
    parser.add_argument("--to", type=Path, required=True, help="folder that the serving step reads")
    parser.add_argument(
        "--timeout-s", type=float, default=600.0, help="seconds for each step of an environment's build"
    )
    told = parser.parse_args()
    try:
        folder = fetch(told.url, told.sha256, told.to / "files")
        environments = told.to / "environments"
        store = Store(environments, environments / ".downloads", told.timeout_s)
        prepared = restore(folder, store, lambda line: print(printable(line), file=sys.stderr))
    except (ArtifactError, ModelError, EnvironmentBuildError, OSError) as error:
        print(f"error: {printable(error)}", file=sys.stderr)
        return 1
    python = prepared.python
    write_start(told.to, Start(str(folder), str(python.executable), python.options, python.entry))
    print(json.dumps({"folder": str(folder), "python": str(python.executable)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
