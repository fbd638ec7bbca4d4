"""The support of tests that wait: a busy machine is no failure, and one look at the registry is one moment."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
_LAMBDA = re.compile(r"wait_until\(\s*lambda[^:]*:(?P<condition>[^\n]*)")
_READ = re.compile(r"\b(jobs|live|statuses|log_of|job_of)\(")


def test_no_condition_that_is_waited_for_reads_the_registry_twice() -> None:
    """`jobs(…)[: len(jobs(…)) - known]` once gave the job before: it came between the two reads."""
    twice = [
        f"{path.relative_to(TESTS)}: {found['condition'].strip()}"
        for path in TESTS.rglob("*.py")
        for found in _LAMBDA.finditer(path.read_text())
        if len(_READ.findall(found["condition"])) > 1
    ]
    assert twice == []


def test_no_answer_that_is_waited_for_is_taken_for_a_good_one() -> None:
    """An error has no `state` and no `version`: the wait would end with a KeyError instead of asking again."""
    indexed = [
        f"{path.relative_to(TESTS)}: {found['condition'].strip()}"
        for path in TESTS.rglob("*.py")
        for found in _LAMBDA.finditer(path.read_text())
        if ".json()[" in found["condition"]
    ]
    assert indexed == []
