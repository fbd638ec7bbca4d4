"""All that the gateway is told, as plain values."""

from dataclasses import dataclass, field

from gateway.data_plane.inference import RequestLimits
from gateway.edge.cors import Cors
from gateway.emission.producing import ProducerConfig
from gateway.routing.waking import WakingConfig
from model_runner.wire.client import ClientConfig
from web.pages import PageGuard


@dataclass(frozen=True)
class GatewayConfig:
    """All that the gateway is told."""

    producer: ProducerConfig
    limits: RequestLimits = field(default_factory=RequestLimits)
    runner: ClientConfig = field(default_factory=ClientConfig)
    waking: WakingConfig = field(default_factory=WakingConfig)
    pages: PageGuard = field(default_factory=PageGuard)
    cors: Cors = field(default_factory=Cors)
    emit_linger_s: float = 0.005
    refresh_s: float = 0.1
    """Seconds between two refreshes of the route table."""
    flush_s: float = 10.0
    """Seconds that a stop waits for events to be acknowledged."""
