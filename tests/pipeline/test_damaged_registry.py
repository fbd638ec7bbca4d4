"""One bad row in the registry of a real stack: every other model is served and deployed as before."""

import sqlite3
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from tests.support import registry_of
from tests.support.scripted import write_scripted
from tests.support.stack import RunningStack, running_stack

CUT = """
UPDATE versions SET manifest = substr(manifest, 1, 12)
WHERE model_id = (SELECT id FROM models WHERE name = 'bad');
UPDATE registry_revision SET value = value + 1;
"""


def answers(stack: RunningStack, model: str) -> bool:
    url = f"{stack.gateway_url}/v1/models/{model}/predict"
    return httpx.post(url, json={"instances": [{"wait": 0.0}]}, timeout=60).status_code == 200


@pytest.mark.slow
def test_a_bad_row_costs_its_own_model_alone(tmp_path: Path) -> None:
    with running_stack(tmp_path / "home", stream_workers=1) as stack:
        for name in ("bad", "good"):
            stack.json("deploy", str(write_scripted(tmp_path / name, "replicas = 1", name=name)))
        path = make_url(stack.settings.database_dsn).database
        assert path
        with sqlite3.connect(path) as connection:
            connection.executescript(CUT)
        connection.close()

        stack.json("deploy", str(write_scripted(tmp_path / "third", "replicas = 1", name="third")))
        stack.json("deploy", str(tmp_path / "good"))

        assert registry_of.live(stack, "good") == 2
        told = stack.tidegate("models")
        assert "Left out:" in told.stderr
        assert "(model bad)" in told.stderr
        token = {"Authorization": f"Bearer {stack.settings.token_path.read_text().strip()}"}
        listed = httpx.get(f"{stack.gateway_url}/api/v1/models", headers=token).json()
        assert [one["model"] for one in listed["models"]] == ["good", "third"]
        assert "(model bad)" in listed["unreadable"][0]
        assert "cannot be read" in stack.tidegate("status", check=False).stderr
        assert all(answers(stack, name) for name in ("bad", "good", "third")), "what was known of it is served"

        stack.wait_ready("gateway", stack.kill("gateway"))
        assert all(answers(stack, name) for name in ("good", "third"))
        assert not answers(stack, "bad")
        assert "cannot be" in stack.logs(), "the gateway says what it does not serve"
