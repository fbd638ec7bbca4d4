"""`python -m tests.support.environment_builder STORE FOLDER`: prepare a folder's environment and tell every step."""

import sys
from pathlib import Path

from model_runner.environment import prepare
from tests.support.environments import store_in


def main() -> None:
    def tell(line: str) -> None:
        print(line, flush=True)

    prepared = prepare(Path(sys.argv[2]), store_in(Path(sys.argv[1])), tell)
    assert prepared.environment is not None
    print(f"key {prepared.environment.key}", flush=True)


if __name__ == "__main__":
    main()
