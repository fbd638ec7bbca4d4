"""A process of the stack in; what others know of it out: its state, its readiness, the mark on it."""
