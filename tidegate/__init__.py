"""The command `tidegate`: settings, the supervisor of the stack, and the wiring of its processes."""
