"""`tidegate demo` as a user runs it, with fewer rows: from training to the received alert, on a stack of its own."""

import json
from pathlib import Path

import pytest

from tests.support.stack import stack_of
from tidegate.parts.leftovers import end_all


@pytest.mark.slow
def test_the_demo_shows_what_it_promises_and_leaves_nothing_running(tmp_path: Path) -> None:
    stack = stack_of(tmp_path / "home")
    picture = tmp_path / "demo.svg"
    rows = ["--quiet-rows", "1500", "--drift-rows", "1500", "--rate", "250"]
    try:
        ended = stack.tidegate("demo", "--no-wait", "--json", "--record", str(picture), *rows)
        assert stack.running() == []
    finally:
        end_all(str(stack.settings.home_path))
    found = json.loads(ended.stdout)
    assert found["problems"] == []
    assert found["rows"] == {"quiet": 1500, "changed": 1500}
    assert found["stored"] == {"events": 3000, "distinct": 3000, "failed": 0}
    assert {"vicprice", "vicdemand", "transfer"} <= set(found["fired"])
    alert = found["alert"]["body"]["data"]
    assert alert["model"] == "electricity"
    assert alert["state"] == "firing"
    assert alert["series"] in found["fired"]
    assert found["bare_psi"]["windows"] == 15 * 6
    assert "vicprice" in picture.read_text(encoding="utf-8")
