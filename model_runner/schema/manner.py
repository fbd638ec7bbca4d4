"""How a model is asked, settled when it was checked and remembered for every process that serves it. Pure."""

from enum import StrEnum

import msgspec


class Fed(StrEnum):
    """What the rows of a request are made into before the model gets them."""

    FRAME = "frame"
    """A pandas DataFrame, with names."""
    CATEGORIES = "categories"
    """The same, its text and what the model knows categories of in columns of type `category`."""
    MATRIX = "matrix"
    """A NumPy array of shape (rows, features), columns by position."""
    SERIES = "series"
    """A pandas Series of the only column, shape (rows,)."""
    VALUES = "values"
    """A list of the values of the only column."""
    LISTS = "lists"
    """A list of lists, values by position."""


FED_WORDS = {
    Fed.FRAME: "a DataFrame",
    Fed.CATEGORIES: "a DataFrame with categories",
    Fed.MATRIX: "a matrix by position",
    Fed.SERIES: "a Series of its one column",
    Fed.VALUES: "a list of its one column",
    Fed.LISTS: "a list of lists by position",
}


class Manner(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was settled about one model."""

    fed: Fed | None = None
    """None where the format has only one way."""
    scored: bool = True
    """Whether `predict_proba` has a probability for each class."""
    likeliest: bool = False
    """Whether the arg-max of `predict_proba` was seen to be the class that `predict` answers."""
    alone: bool = False
    """Whether an answer depends on the rows beside it: then requests are not predicted together."""
