"""What can go wrong with an environment other than by the model's fault."""


class EnvironmentBuildError(Exception):
    """An environment cannot be built now: the index is away, the disk is full, uv is missing. It may work later.

    The message says what happened and what to do, without credentials.
    """
