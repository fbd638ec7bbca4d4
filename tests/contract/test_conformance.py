"""A sample of what people save, served and held against itself: `python -m benchmarks conformance` runs all of it.

In this process: what the sandbox, the socket and the check add has tests of its own.
"""

from itertools import islice

import pytest

from tests.support.conformance.cases import cases
from tests.support.conformance.running import Outcome, run

EVERY = {"scikit-learn": 148, "XGBoost": 9, "LightGBM": 5}
"""Each of so many cases."""
PARTS = {"scikit-learn": 4, "XGBoost": 1, "LightGBM": 1}


@pytest.mark.parametrize(("library", "part"), [(name, part) for name, parts in PARTS.items() for part in range(parts)])
def test_what_is_served_is_what_the_model_itself_answers(library: str, part: int) -> None:
    step = EVERY[library]
    some = list(islice(cases(library), part * step // PARTS[library], None, step))
    results = {str(case): run(case) for case in some}
    wrong = {
        name: result.said for name, result in results.items() if result.outcome in {Outcome.DIFFERENT, Outcome.FAILED}
    }
    assert wrong == {}
    equal = sum(result.outcome is Outcome.EQUAL for result in results.values())
    assert equal > len(results) / 3, "most of them are served"
