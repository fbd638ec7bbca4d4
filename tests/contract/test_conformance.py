"""A sample of what people save, served and held against itself: `python -m benchmarks conformance` runs all of it.

In this process: what the sandbox, the socket and the check add has tests of its own.
"""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.conformance.cases import Case, cases
from tests.support.conformance.estimators import LIBRARIES
from tests.support.conformance.running import Outcome, run
from tests.support.conformance.table import BEGIN, END, FORMATS, head

MODELS_PAGE = Path(__file__).parents[2] / "docs" / "models.md"
EVERY = {"scikit-learn": 148, "XGBoost": 9, "LightGBM": 5}
"""Each of so many cases."""
PARTS = {"scikit-learn": 4, "XGBoost": 1, "LightGBM": 1}


@cache
def _cases(library: str) -> tuple[Case, ...]:
    """To list them, each estimator is made several times over: once for all parts."""
    return tuple(cases(library))


@pytest.mark.parametrize(("library", "part"), [(name, part) for name, parts in PARTS.items() for part in range(parts)])
def test_what_is_served_is_what_the_model_itself_answers(library: str, part: int) -> None:
    step = EVERY[library]
    some = _cases(library)[part * step // PARTS[library] :: step]
    results = {str(case): run(case) for case in some}
    wrong = {
        name: result.said for name, result in results.items() if result.outcome in {Outcome.DIFFERENT, Outcome.FAILED}
    }
    assert wrong == {}
    equal = sum(result.outcome is Outcome.EQUAL for result in results.values())
    assert equal > len(results) / 3, "most of them are served"


def test_the_table_in_the_docs_is_what_the_run_writes() -> None:
    text = MODELS_PAGE.read_text("utf-8")
    table = text.partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    assert table[:2] == head()
    found = {}
    for line in table[2:]:
        library, saved, *numbers = [cell.strip() for cell in line.strip("|").split("|")]
        assert library in LIBRARIES
        assert saved in FORMATS.values()
        of_all, equal, rightly, wrongly, different = (int(re.sub(",", "", number)) for number in numbers)
        assert of_all == equal + rightly, line
        assert wrongly == different == 0, line
        found[library, saved] = of_all
    assert {library for library, _ in found} == set(LIBRARIES)
