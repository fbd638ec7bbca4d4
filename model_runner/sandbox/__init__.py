"""A command that runs a model's code in; the same, confined to what that model may see and use, out.

`policy.py` decides how, `plan.py` says what such a process may see (pure), `bubblewrap.py` and `landlock.py` are the
two ways to hold it to that, `entry.py` is what runs inside before the model's Python does.
"""
