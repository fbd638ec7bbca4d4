"""Confines the process in which a model's code runs.

`policy.py` decides how, `plan.py` says what such a process may see (pure), `bubblewrap.py` and `landlock.py` are the
two ways to hold it to that, `entry.py` is what runs inside before the model's Python does.
"""
