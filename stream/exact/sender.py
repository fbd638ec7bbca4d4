"""How the agents produce: everything goes out at once, and the caller awaits the acknowledgements together."""

import asyncio
import time

import structlog
from aiokafka.errors import MessageSizeTooLargeError

from stream.config import StreamConfig
from stream.contracts import dead_letters
from stream.contracts.dead_letters import Reason
from stream.contracts.topics import Topic
from stream.exact.ports import AgentApp, Sent
from stream.intake.events import Reject
from stream.prometheus import DEAD_LETTERS, TOO_LARGE
from stream.watched import begin

log = structlog.get_logger()


class Sender:
    """Produces to the topics of the layout."""

    def __init__(self, app: AgentApp, config: StreamConfig) -> None:
        self._app = app
        self._config = config

    async def send(self, topic: Topic, key: str, value: bytes) -> Sent:
        """What no record can hold, or the broker will not take, is set aside; everything else goes on."""
        name = self._config.layout.name(topic)
        try:
            sent = await self._app.publish(name, key.encode(), value)
        except MessageSizeTooLargeError:
            return await self._too_large(name, key, value)
        return begin(self._taken(sent, name, key, value), "acknowledgement")

    async def _taken(self, sent: Sent, topic: str, key: str, value: bytes) -> None:
        try:
            await sent
        except MessageSizeTooLargeError:
            await (await self._too_large(topic, key, value))

    async def _too_large(self, topic: str, key: str, value: bytes) -> Sent:
        TOO_LARGE.labels(topic).inc()
        log.error("record.too_large", topic=topic, key=key, size=len(value))
        if topic == self._config.layout.name(Topic.DEAD_LETTERS):
            return asyncio.sleep(0)  # a letter about a letter would not fit either
        detail = f"a record of {len(value)} bytes for {key} is more than topic {topic} takes: it was not written"
        return await self.dead_letter(topic, 0, Reject(0, -1, Reason.TOO_LARGE, detail, value))

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
