"""A prediction of any JSON shape as named series."""

from collections.abc import Mapping


def flatten_prediction(prediction: object) -> dict[str, object]:
    """The parts of a prediction that are watched, by series name; one level deep.

    >>> flatten_prediction(0.7)
    {'prediction': 0.7}
    >>> flatten_prediction({"class": "up", "score": 0.7})
    {'prediction.class': 'up', 'prediction.score': 0.7}
    >>> flatten_prediction([0.3, 0.7])
    {'prediction.0': 0.3, 'prediction.1': 0.7}
    """
    if isinstance(prediction, Mapping):
        return {f"prediction.{key}": value for key, value in prediction.items()}
    if isinstance(prediction, list | tuple):
        return {f"prediction.{index}": value for index, value in enumerate(prediction)}
    return {"prediction": prediction}
