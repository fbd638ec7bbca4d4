"""For every test: no settings of the shell that runs them, bytecode that is kept, the longest files first."""

import os
import sys

import pytest

from tests.support.long_files import in_order

_OF_TESTS = ("TIDEGATE_FAULT_", "TIDEGATE_TEST_")

for name in list(os.environ):
    # What is not set must follow from the defaults.
    if name.startswith("TIDEGATE_") and not name.startswith(_OF_TESTS):
        del os.environ[name]

# A stack is a dozen processes of the same code, and a run of the tests starts thousands: each would compile it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = in_order(items)
