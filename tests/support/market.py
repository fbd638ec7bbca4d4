"""The repository of a model as its owner has it, and what a push of it says."""

import re
from pathlib import Path

from tests.support.git_client import Clone, Pushed, remote_url
from tests.support.models import EXAMPLE, FEATURES, write_classifier, write_plain, write_test_rows
from tests.support.stack import RunningStack


def repository(stack: RunningStack, folder: Path, model: str = "market", *, plain: bool = False) -> Clone:
    """A commit that can be pushed."""
    clone = Clone(folder / model, remote_url(stack, model))
    toml = "".join(f'{name} = "numeric"\n' for name in FEATURES)
    if plain:
        write_plain(clone.folder, f"[features]\n{toml}", load_s=1.0)
    else:
        write_classifier(clone.folder, f"[features]\n{toml}")
    clone.commit()
    return clone


def pushed_repository(stack: RunningStack, folder: Path, model: str = "market", *, plain: bool = False) -> Clone:
    """Version 1 is live. `plain`: of `write_plain`, for those who do something while it is loaded."""
    clone = repository(stack, folder, model, plain=plain)
    pushed = clone.push()
    assert pushed.code == 0, pushed
    return clone


def stages(pushed: Pushed) -> list[str]:
    """Those that were told as done."""
    return [found[1].strip() for line in pushed.remote if (found := re.match(r"✓ (.+?)\s+\d+\.\d\d s", line))]


def remote_main(clone: Clone) -> str:
    """The commit of the production branch on the server."""
    return clone.git("ls-remote", "tidegate", "refs/heads/main").partition("\t")[0]


def change(clone: Clone, value: float = 0.1) -> str:
    """Other test rows: another commit that can be deployed."""
    write_test_rows(clone.folder, [{**EXAMPLE, "price": value}])
    return clone.commit("Other rows")
