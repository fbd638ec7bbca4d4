"""Tests see no settings of the shell that runs them: what is not set must follow from the defaults."""

import os

_OF_TESTS = ("TIDEGATE_FAULT_", "TIDEGATE_TEST_")

for name in list(os.environ):
    if name.startswith("TIDEGATE_") and not name.startswith(_OF_TESTS):
        del os.environ[name]
