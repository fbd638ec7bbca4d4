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


class UnfitInstanceError(RunnerError):
    """The model cannot be given a value: the caller's, not the model's failure.

    Attributes:
        row: the number of the instance.
        field: the feature.
    """

    def __init__(self, message: str, row: int, field: str) -> None:
        super().__init__(message)
        self.row = row
        self.field = field
