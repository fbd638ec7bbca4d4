"""scikit-learn models saved by skops: no pickle, and nothing of a type that skops does not trust."""

from pathlib import Path
from zipfile import BadZipFile

import skops.io

from model_runner.errors import ModelError
from model_runner.formats import LoadedModel
from model_runner.formats.pickled import wrapped

_SHOWN = 10


def load(path: Path) -> LoadedModel:
    """Load a skops file.

    Raises:
        ModelError: it is none, or holds types that are not trusted; they are named.
    """
    try:
        untrusted = skops.io.get_untrusted_types(file=path)
    except (BadZipFile, KeyError) as error:
        fix = "Save the model with skops.io.dump"
        raise ModelError(path.name, f"is no file of skops: {error}", fix) from error
    if untrusted:
        more = f" and {len(untrusted) - _SHOWN} more" if len(untrusted) > _SHOWN else ""
        raise ModelError(
            path.name,
            f"holds types that skops does not trust: {', '.join(untrusted[:_SHOWN])}{more}",
            "Build the model from scikit-learn's own parts, or save it in another format "
            "(XGBoost: model.ubj, LightGBM: model.txt, anything: model.joblib)",
        )
    return wrapped(skops.io.load(path, trusted=[]), path.name)
