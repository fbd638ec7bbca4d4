"""The request that tells a receiver of an alert's change, signed as Standard Webhooks says (standardwebhooks.com)."""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import floor

import httpx
import msgspec
from standardwebhooks import Webhook

from stream.contracts.alerts import Alert

LONGEST_SEGMENT = 20
"""A segment of a path that is longer than this may be a key (chat services put theirs there) and is not shown."""
_SECRET_PREFIX = "whsec_"  # noqa: S105  what every secret begins with
_HOW_TO = "python -c \"import base64, secrets; print('whsec_' + base64.b64encode(secrets.token_bytes(32)).decode())\""


class WebhookError(ValueError):
    """The webhook is not configured as it can be used; the message says what to change, without the value."""


@dataclass(frozen=True)
class WebhookRequest:
    """What is posted."""

    headers: dict[str, str]
    body: bytes


class Payload(msgspec.Struct, frozen=True):
    """The body, as Standard Webhooks lays it out."""

    type: str
    """`alert.firing` or `alert.resolved`."""
    timestamp: str
    """When the alert's state changed."""
    data: Alert


@dataclass(frozen=True)
class WebhookTarget:
    """Where changes of alerts go. Made by `webhook_target`, which checks it."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    shown: str = ""
    """Host and path, for people: no credentials, no query."""


def webhook_target(url: str, secret: str | None) -> WebhookTarget:
    """Check the operator's settings.

    Raises:
        WebhookError: the URL is no absolute http(s) URL, or the secret is none of Standard Webhooks.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise WebhookError("TIDEGATE_WEBHOOK_URL is no URL: write it as https://host/path") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise WebhookError("TIDEGATE_WEBHOOK_URL needs a scheme and a host: write it as https://host/path")
    if secret is not None:
        _check_secret(secret)
    return WebhookTarget(url, secret, _shown(parsed))


def webhook_request(target: WebhookTarget, alert: Alert, at: float) -> WebhookRequest:
    """The request of one attempt at `at` (seconds since the epoch).

    Every attempt has the same body and the same `webhook-id` (the change's), by which a receiver knows a repetition.
    Without a secret there is no signature.
    """
    body = msgspec.json.encode(Payload(f"alert.{alert.state}", alert.ts, alert))
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "tidegate",
        "webhook-id": alert.change_id,
        "webhook-timestamp": str(floor(at)),
    }
    if target.secret is not None:
        moment = datetime.fromtimestamp(at, UTC)
        headers["webhook-signature"] = Webhook(target.secret).sign(alert.change_id, moment, body.decode())
    return WebhookRequest(headers, body)


def _check_secret(secret: str) -> None:
    """The scheme asks for 24 to 64 random bytes in base64; the library takes almost anything, and signs with less."""
    text = secret.removeprefix(_SECRET_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise WebhookError(f"TIDEGATE_WEBHOOK_SECRET is not base64: make one with {_HOW_TO}") from error
    if not 24 <= len(key) <= 64:
        raise WebhookError(
            f"TIDEGATE_WEBHOOK_SECRET holds {len(key)} bytes, 24 to 64 are needed: make one with {_HOW_TO}"
        )


def _shown(url: httpx.URL) -> str:
    segments = [segment if len(segment) <= LONGEST_SEGMENT else f"{segment[:4]}…" for segment in url.path.split("/")]
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{host}{'' if url.port is None else f':{url.port}'}{'/'.join(segments)}"
