"""Which web pages and host names the settings allow at the ports of this machine."""

from gateway.edge.cors import Cors, cors_of
from tidegate.settings import Settings
from web.pages import PageGuard, page_guard

LOOPBACK = "127.0.0.1"


def gateway_pages(settings: Settings) -> PageGuard:
    """Of the gateway, which shows pages itself: the API's documentation."""
    hosts, origins = names(settings.allowed_hosts), names(settings.allowed_origins)
    return page_guard(settings.host, hosts, origins, has_pages=True)


def prediction_pages(settings: Settings) -> Cors:
    """Of the prediction endpoints: whose pages may also read the answers."""
    return cors_of(names(settings.cors_origins))


def local_pages(settings: Settings) -> PageGuard:
    """Of all that listens on the loopback alone: no page may ask it."""
    return page_guard(LOOPBACK, names(settings.allowed_hosts))


def names(listed: str) -> list[str]:
    """A setting's list with commas."""
    return [name.strip() for name in listed.split(",") if name.strip()]
