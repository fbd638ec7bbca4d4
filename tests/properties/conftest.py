"""How Hypothesis runs: the same examples every time, and no deadline, for a busy machine is not a bug."""

from hypothesis import settings

settings.register_profile("tidegate", derandomize=True, deadline=None, database=None)
settings.register_profile("thorough", max_examples=3000, deadline=None, database=None)
settings.load_profile("tidegate")
