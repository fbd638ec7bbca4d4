"""A number that cannot be handed on is refused by the name of its field."""

import pytest

from gateway.large_numbers import too_large
from gateway.refusals import Refusal
from gateway.requests import parse_batch


def test_whole_numbers_beyond_64_bits_are_named() -> None:
    rows = [{"id": 2**64 - 1, "least": -(2**63)}, {"id": 2**64, "least": -(2**63) - 1}, {"deep": [1, {"a": 10**400}]}]
    found = [(problem.row, problem.field) for problem in too_large(rows)]
    assert found == [(1, "id"), (1, "least"), (2, "deep")]
    assert too_large(rows)[0].message.startswith("instances[1].id: a whole number of more than 64 bits")


@pytest.mark.parametrize("number", ["1e400", "-1.5E+999", "9" * 300 + "e300"])
def test_what_no_float_can_be_is_named(number: str) -> None:
    with pytest.raises(Refusal, match=r"'device id' is .* beyond what a number can be") as raised:
        parse_batch(b'{"a": 1e3, "device id": %s}' % number.encode(), 10)
    assert (raised.value.status, raised.value.code) == (400, "out_of_range")
    with pytest.raises(Refusal, match="The body is not JSON"):
        parse_batch(b"[1e400]", 10)
