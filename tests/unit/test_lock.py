"""What everybody installs stays light."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lock_has_every_extra_but_torch_and_nothing_for_gpus() -> None:
    names = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements/all.lock").read_text(), re.MULTILINE))
    assert not {name for name in names if name.startswith("nvidia") or name in {"torch", "triton"}}
    listed = re.search(r"^EXTRAS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert listed is not None
    assert set(listed.group(1).split()) | {"torch"} == set(extras)
