"""What can become of a request to a runner, other than a prediction: each kind has its own remedy."""


class RunnerError(Exception):
    """A request that no prediction came of."""


class RunnerOverloadedError(RunnerError):
    """As many requests are under way as may be; try again in a moment."""


class RunnerUnavailableError(RunnerError):
    """No runner listens there (yet)."""


class RunnerFailedError(RunnerError):
    """The runner went away with the request in it."""


class RunnerTimeoutError(RunnerError):
    """The runner took longer than it may."""


class RunnerLiedError(RunnerFailedError):
    """It answered what no runner answers: a model's code has its process."""


class PredictionFailedError(RunnerError):
    """The model raised; the message says what."""
