"""How the agents produce: everything goes out at once, and the caller awaits the acknowledgements together."""

import time

from stream import dead_letters
from stream.agents.config import StreamConfig
from stream.agents.ports import AgentApp, Sent
from stream.intake import Reject
from stream.metric_names import DEAD_LETTERS
from stream.topics import Topic


class Sender:
    """Produces to the topics of the layout."""

    def __init__(self, app: AgentApp, config: StreamConfig) -> None:
        self._app = app
        self._config = config

    async def send(self, topic: Topic, key: str, value: bytes) -> Sent:
        return await self._app.publish(self._config.layout.name(topic), key.encode(), value)

    async def dead_letter(self, topic: str, partition: int, reject: Reject) -> Sent:
        """Say what could not be read, where it stands, and why."""
        DEAD_LETTERS.labels(reject.reason.value).inc()
        letter = dead_letters.letter_for(
            reject.raw,
            ts=time.time(),
            topic=topic,
            partition=partition,
            offset=reject.offset,
            line=reject.line,
            reason=reject.reason,
            detail=reject.detail,
            reader=self._config.reader,
        )
        key = dead_letters.key_of(letter)
        return await self.send(Topic.DEAD_LETTERS, key, dead_letters.encode(letter))
