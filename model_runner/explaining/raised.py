"""What was raised, in words: by a library whose errors say little, or by Tidegate itself, where nobody meant it to."""

import traceback
from pathlib import Path

from model_runner.errors import ModelError


def in_words(error: BaseException) -> str:
    """Its kind and its message; where the message is a bare key, what that means."""
    kind = type(error).__name__
    if isinstance(error, KeyError) and len(error.args) == 1:
        return f"{error.args[0]!r} was looked for and is not there ({kind})"
    return f"{kind}: {error}" if str(error) else f"{kind}, without a word"


def own_fault(error: BaseException) -> str:
    """A fault of Tidegate's own: where it came up, and what to do. The traceback belongs into a log."""
    fix = "The files may be fine: deploy them again. If it stays, tell whoever runs this installation this line"
    return f"a fault of Tidegate's own, at {_place(error)}: {in_words(error)}. {fix}"


def as_model_error(file: str, doing: str, error: BaseException) -> ModelError:
    """The same about a file that was just looked at, such as "was scanned"."""
    problem = f"met a fault of Tidegate's own while it {doing}, at {_place(error)}: {in_words(error)}"
    return ModelError(file, problem, "Save it in another way, and tell whoever runs this installation this line")


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
