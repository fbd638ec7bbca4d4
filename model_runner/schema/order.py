"""Whether the input schema has a model's features in the order in which the model itself takes them. Pure."""

from collections.abc import Sequence

from model_runner.schema.manner import Fed, Manner


def is_known(names: Sequence[str], own: Sequence[str] | None, manner: Manner) -> bool:
    """Whether a list of values, one per name of the schema, says which is which.

    Args:
        names: of the schema, in its order. The model can be fed from it.
        own: of the model, in the order of its training; None where it names none.
        manner: how it is asked.
    """
    if own is not None and set(own) <= set(names):
        return list(own) == list(names)
    # It knows positions alone, and gets the schema's; but not where it is asked by names that it does not tell.
    return manner.fed is not Fed.FRAME or len(names) == 1
