"""Which incarnation of a topic the broker has: a topic that is deleted and made again gets another id."""

import threading
import time
from collections.abc import Sequence

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

_REQUEST_S = 5.0


class IncarnationError(Exception):
    """The broker did not say."""


class Incarnations:
    """Shared by the sink's threads; one question to the broker answers all of them."""

    def __init__(self, bootstrap: str, topics: Sequence[str]) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "socket.timeout.ms": 5000, "log_level": 0})
        self._topics = list(topics)
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._ids: dict[str, str] = {}

    def current(self, topic: str, since: float) -> str | None:
        """The topic's id as the broker told at or after `since` (time.monotonic()); None where there is no such topic.

        An id never comes back. So records that were read before `since`, from a topic that has the same id now, are
        of this incarnation.

        Raises:
            IncarnationError: no broker answers.
        """
        with self._lock:
            if self._asked_at < since:
                asked_at = time.monotonic()
                self._ids = self._ask()
                self._asked_at = asked_at
            return self._ids.get(topic)

    def _ask(self) -> dict[str, str]:
        try:
            futures = self._admin.describe_topics(TopicCollection(self._topics), request_timeout=_REQUEST_S)
        except KafkaException as error:
            raise IncarnationError(str(error)) from error
        ids = {}
        for topic, future in futures.items():
            try:
                ids[topic] = str(future.result(_REQUEST_S + 1).topic_id)
            except KafkaException as error:
                if error.args[0].code() not in _UNKNOWN:
                    raise IncarnationError(f"{topic}: {error}") from error
            except TimeoutError as error:
                raise IncarnationError(f"{topic}: no answer in {_REQUEST_S:g} s") from error
        return ids


_UNKNOWN = (3, 100)
"""UNKNOWN_TOPIC_OR_PART, UNKNOWN_TOPIC_ID."""
