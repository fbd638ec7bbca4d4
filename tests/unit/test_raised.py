"""What was raised is told in words: with the stage, where it came up, and what to do."""

from pathlib import Path

import pytest

from model_runner.explaining.raised import as_model_error, in_words, own_fault
from tidegate.deployer.pipeline.configuring import deploy_config
from tidegate.deployer.pipeline.deploying import switch_to
from tidegate.deployer.pipeline.result import DeployError
from tidegate.settings import Settings


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("age"), "'age' was looked for and is not there (KeyError)"),
        (ValueError("no number"), "ValueError: no number"),
        (AssertionError(), "AssertionError, without a word"),
    ],
)
def test_an_exception_in_words(error: Exception, words: str) -> None:
    assert in_words(error) == words


def _raised() -> KeyError:
    try:
        raise KeyError("age")
    except KeyError as error:
        return error


def test_a_fault_of_our_own_says_where_and_what_to_do() -> None:
    assert own_fault(_raised()).startswith("a fault of Tidegate's own, at test_raised.py:")
    assert "deploy them again" in own_fault(_raised())
    error = as_model_error("reference.csv", "was read", _raised())
    assert str(error).startswith("reference.csv: met a fault of Tidegate's own while it was read, at test_raised.py:")


def test_what_a_deployment_cannot_reach_is_refused_with_its_stage(tmp_path: Path) -> None:
    """A registry without its tables."""
    with pytest.raises(DeployError, match=r"what a deployment needs did not answer.*`tidegate status`") as raised:
        switch_to("d1", deploy_config(Settings(home=tmp_path)))
    assert raised.value.stage == "switch"
