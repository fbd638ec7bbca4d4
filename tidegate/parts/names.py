"""What the processes of the stack are called, in logs and in `tidegate status`."""

RUNNER_PREFIX = "runner-"
