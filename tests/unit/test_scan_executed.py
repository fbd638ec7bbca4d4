"""The scan refuses source that a library would execute out of a pickle's state."""

import collections
import copyreg
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.f2py
import pytest
from scipy import stats

from tests.support.pickles import Calls, refusal


def _distribution(state: Any) -> Any:
    """One of SciPy's as a pickle makes it, with this state in the place of its own."""

    class Hostile(Calls):
        def __reduce__(self) -> Any:
            return copyreg._reconstructor, (type(stats.norm), object, None), state  # type: ignore[attr-defined]

    return Hostile(None)


def test_scipy_executes_what_a_state_says() -> None:
    """Why states are looked at: nothing but classes of SciPy is named here."""
    with pytest.raises(ZeroDivisionError):
        pickle.loads(pickle.dumps(_distribution({"_parse_arg_template": "1 / 0"})))


def test_source_in_the_state_of_a_distribution_of_scipys_own_is_refused(tmp_path: Path) -> None:
    thing = pickle.loads(pickle.dumps(stats.norm))
    thing._parse_arg_template = "1 / 0"
    for protocol in (0, 2, 5):
        (tmp_path / "model.pkl").write_bytes(pickle.dumps({"C": thing}, protocol))
        assert "source to execute" in str(refusal(tmp_path))


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"_parse_arg_template": "1 / 0"}, "source to execute"),
        ({"_parse_arg_template": b"1 / 0"}, "source to execute"),
        ([("_parse_arg_template", "1 / 0")], "a state that SciPy does not write"),
        ({np.str_("_parse_arg_template"): "1 / 0"}, "a state that SciPy does not write"),
        (collections.OrderedDict(_parse_arg_template="1 / 0"), "a state that SciPy does not write"),
        ({"_parse_arg_template": "def _parse_args(self, x=exit()): return x"}, "source to execute"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_source_in_a_state_is_refused(state: Any, says: str, protocol: int, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(_distribution(state), protocol))
    assert says in str(refusal(tmp_path))


def test_source_in_the_state_of_a_tensor_is_refused(tmp_path: Path) -> None:
    """PyTorch would make the object and set its state, both by the pickle's word."""
    content = (
        b"ctorch._tensor\n_rebuild_from_type_v2\n(cscipy.stats._continuous_distns\nnorm_gen\n"
        b"cscipy.stats._continuous_distns\nnorm_gen\n(t(dtR."
    )
    (tmp_path / "model.pkl").write_bytes(content)
    assert "has a tensor made by what makes none" in str(refusal(tmp_path))
