"""A column of the reference that can be no feature: an error where the model wants it, else left out."""

from model_runner.errors import ModelError
from model_runner.folder.toml_file import TOML_FILE


class UnusableColumnError(ModelError):
    """`problem` is told of the column `name`."""

    def __init__(self, file: str, name: str, problem: str) -> None:
        fix = "Write it as numbers, text or moments (datetime64), or leave it out"
        super().__init__(file, f"column {name!r} {problem}", f'{fix}: [reference] ignore = ["{name}"] in {TOML_FILE}')
        self.why = problem
