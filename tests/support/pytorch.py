"""PyTorch for tests, where it is installed: it is left out of the lock for its size (see .ci/run)."""

import importlib.util

import pytest

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: NOTHING IS TESTED WITH PYTORCH"
)
