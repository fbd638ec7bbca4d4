"""Which incarnation of a topic this is: offsets mean something only within one."""

import base64

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

TIMEOUT_S = 10.0


def topic_id(bootstrap: str, topic: str) -> str:
    """The UUID that the broker gave the topic when it was made (base64, 22 characters).

    Raises:
        confluent_kafka.KafkaException: there is no such topic, or no broker; `tidegate topics` makes topics.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    described = admin.describe_topics(TopicCollection([topic]), request_timeout=TIMEOUT_S)
    return str(described[topic].result(timeout=TIMEOUT_S).topic_id)


def topic_id_bytes(topic_id: str) -> bytes:
    """The UUID's 16 bytes."""
    return base64.urlsafe_b64decode(topic_id + "==")
