"""Which incarnation of a topic the broker has: a topic that is deleted and made again gets another id.

Offsets mean something within one incarnation only. Whoever keeps some (a changelog, a table, a producer that waits for
acknowledgements) keeps the id beside them, and sees by it that the topic was made again.
"""

import base64
import threading
import time
from collections.abc import Sequence

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

_REQUEST_S = 5.0


class IncarnationError(Exception):
    """The broker did not say."""


class Incarnations:
    """May be shared by threads; one question to the broker answers all of them."""

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

    def known(self, topic: str, since: float) -> str:
        """The same of a topic that has to be there.

        Raises:
            IncarnationError: there is none, or no broker answers.
        """
        topic_id = self.current(topic, since)
        if topic_id is None:
            raise IncarnationError(f"topic {topic} does not exist: run `tidegate topics`")
        return topic_id

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


def topic_id_bytes(topic_id: str) -> bytes:
    """The 16 bytes of the UUID that is a topic's id (base64, 22 characters)."""
    return base64.urlsafe_b64decode(topic_id + "==")


_UNKNOWN = (3, 100)
"""UNKNOWN_TOPIC_OR_PART, UNKNOWN_TOPIC_ID."""
