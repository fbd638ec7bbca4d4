"""Classifiers whose class is the arg-max of their probabilities, so that one pass through the model does.

Only scikit-learn's own classes, by their exact type, of which this was read in their sources; and only for rows where
the first is ahead of the second by more than rounding. Everything else (thresholds, votes, SVC, other people's classes,
a row near a tie or with saturated probabilities) is asked by `predict`.
"""

from typing import Any

import numpy as np

_MARGIN = 1e-6
"""Between the two likeliest classes. Probabilities in float32 are exact to 6e-8."""
_LIKELIEST = {
    "sklearn.discriminant_analysis": {"LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis"},
    "sklearn.ensemble": {
        "ExtraTreesClassifier",
        "GradientBoostingClassifier",
        "HistGradientBoostingClassifier",
        "RandomForestClassifier",
    },
    "sklearn.linear_model": {"LogisticRegression", "LogisticRegressionCV"},
    "sklearn.naive_bayes": {"BernoulliNB", "ComplementNB", "GaussianNB", "MultinomialNB"},
    "sklearn.tree": {"DecisionTreeClassifier", "ExtraTreeClassifier"},
}


def is_likeliest(estimator: Any) -> bool:
    """Whether its class is one of those, alone or at the end of plain pipelines of scikit-learn."""
    last = estimator
    while _is_pipeline(last) and last.steps:
        last = last.steps[-1][1]
    package = ".".join(type(last).__module__.split(".")[:2])
    return type(last).__name__ in _LIKELIEST.get(package, ())


def _is_pipeline(estimator: Any) -> bool:
    return (type(estimator).__module__, type(estimator).__name__) == ("sklearn.pipeline", "Pipeline")


def clear_winners(probabilities: Any) -> list[int] | None:
    """The column of the likeliest class of each row; None where a row has none that is clearly ahead.

    Args:
        probabilities: shape (rows, classes).
    """
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:
        return None
    first_two = np.partition(probabilities, -2, axis=1)[:, -2:]
    ahead = first_two[:, 1] - first_two[:, 0]
    # Not "any is near": a NaN is ahead of nothing.
    return list(probabilities.argmax(axis=1).tolist()) if bool((ahead > _MARGIN).all()) else None
