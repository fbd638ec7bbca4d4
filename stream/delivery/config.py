"""What delivery is told by the process that runs it."""

from dataclasses import dataclass, field

from stream.contracts.topics import TopicLayout
from stream.delivery.retry import RetryPolicy
from stream.delivery.webhook import WebhookTarget


@dataclass(frozen=True)
class DeliveryConfig:
    """Plain values; the settings' names and reasons are in tidegate/setting_groups/."""

    bootstrap: str
    layout: TopicLayout
    target: WebhookTarget | None
    """None: alerts are read and passed over, so that a webhook set later gets what is new then, and nothing old."""
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    timeout_s: float = 5.0
    """Of one attempt, from connecting to the answer."""
    slots: int = 16
    """Attempts under way at once."""
    waiting: int = 256
    """Deliveries begun and not finished; above it the topic is not read on."""
    reader: str = "notifier"

    @property
    def group(self) -> str:
        return f"{self.layout.prefix}tidegate-notifier"
