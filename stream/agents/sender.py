"""How the agents produce: everything goes out at once, and the caller awaits the acknowledgements together."""

import time
from collections.abc import Awaitable
from typing import Any

from stream import dead_letters
from stream.agents.config import StreamConfig
from stream.exact import ExactApp
from stream.intake import Reject
from stream.metric_names import DEAD_LETTERS
from stream.topics import Topic

Sent = Awaitable[Any]
"""Done when the broker has it; raises when it refused."""


class Sender:
    """Produces to the topics of the layout."""

    def __init__(self, app: ExactApp, config: StreamConfig) -> None:
        self._app = app
        self._config = config

    async def send(self, topic: Topic, key: str, value: bytes) -> Sent:
        name = self._config.layout.name(topic)
        sent: Sent = await self._app.producer.send(name, key.encode(), value, None, None, None)
        return sent

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
        return await self.send(Topic.DEAD_LETTERS, f"{partition}/{reject.offset}", dead_letters.encode(letter))
