"""What can be wrong with a model folder: which file, what is wrong, and what to do about it."""


class ModelError(Exception):
    """A model folder that cannot be served as it is.

    Attributes:
        file: the file at fault, relative to the model folder.
        problem: what is wrong with it.
        fix: what to do about it.
        stage: of the check in which it came up; None where nobody says.
    """

    stage: str | None = None

    def __init__(self, file: str, problem: str, fix: str) -> None:
        super().__init__(file, problem, fix)
        self.file = file
        self.problem = problem
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}. {self.fix}"
