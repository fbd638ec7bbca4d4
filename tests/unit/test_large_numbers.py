"""A number that cannot be handed on is refused by the name of its field."""

from gateway.large_numbers import too_large


def test_whole_numbers_beyond_64_bits_are_named() -> None:
    rows = [{"id": 2**64 - 1, "least": -(2**63)}, {"id": 2**64, "least": -(2**63) - 1}, {"deep": [1, {"a": 10**400}]}]
    found = [(problem.row, problem.field) for problem in too_large(rows)]
    assert found == [(1, "id"), (1, "least"), (2, "deep")]
    assert too_large(rows)[0].message.startswith("instances[1].id: a whole number of more than 64 bits")
