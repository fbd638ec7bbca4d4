"""What an evaluation remembers for the next one, as it rides in the service metrics. Pure."""

from collections.abc import Sequence

import msgspec

from stream.contracts.metrics import ServiceMetric
from stream.windows.evaluation import EvaluationMemory


def with_memory(metrics: Sequence[ServiceMetric], evaluation_memory: EvaluationMemory) -> list[ServiceMetric]:
    """The metrics of one evaluation, the last of which carries what it remembers."""
    memory = msgspec.json.encode(evaluation_memory).decode()
    return [*metrics[:-1], *(msgspec.structs.replace(metric, memory=memory) for metric in metrics[-1:])]


def recall(memory: str) -> EvaluationMemory:
    """Raises msgspec.DecodeError or msgspec.ValidationError where the text is no memory."""
    return msgspec.json.decode(memory, type=EvaluationMemory)
