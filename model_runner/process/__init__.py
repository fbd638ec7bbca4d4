"""A command for what touches a model in; a process in its sandbox out, and what it says."""
