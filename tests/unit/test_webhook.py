"""The webhook's request and the settings that it is made from."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook

from stream.delivery.webhook import WebhookError, webhook_request, webhook_target
from tests.support.notifiers import an_alert

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def test_the_signature_is_the_one_of_the_scheme() -> None:
    """HMAC-SHA256 of `id.timestamp.body`, made here without the library."""
    request = webhook_request(webhook_target("https://example.org/hook", SECRET), an_alert(1), 1_800_000_000.9)
    assert request.headers["webhook-id"] == "change-1-firing"
    assert request.headers["webhook-timestamp"] == "1800000000"
    mac = hmac.new(KEY, b"change-1-firing.1800000000." + request.body, hashlib.sha256)
    assert request.headers["webhook-signature"] == "v1," + base64.b64encode(mac.digest()).decode()


def test_the_library_of_a_receiver_takes_it_with_any_text() -> None:
    alert = replace(an_alert(1, "resolved"), summary='Ü 漢字 🜨 \u2028 "quoted"')
    request = webhook_request(webhook_target("https://example.org/hook", SECRET), alert, time.time())
    body = Webhook(SECRET).verify(request.body, request.headers)
    assert (body["type"], body["data"]["summary"]) == ("alert.resolved", alert.summary)


def test_without_a_secret_there_is_no_signature() -> None:
    request = webhook_request(webhook_target("http://127.0.0.1:9/", None), an_alert(1), 1_800_000_000.0)
    assert "webhook-signature" not in request.headers
    assert json.loads(request.body)["data"]["alert_id"] == "alert-1"


@pytest.mark.parametrize("spelled", [SECRET, SECRET.rstrip("="), SECRET.removeprefix("whsec_")])
def test_a_secret_may_come_without_prefix_or_padding(spelled: str) -> None:
    made = webhook_request(webhook_target("https://example.org/", spelled), an_alert(1), 1.0)
    assert made.headers == webhook_request(webhook_target("https://example.org/", SECRET), an_alert(1), 1.0).headers


@pytest.mark.parametrize("secret", ["", "whsec_", "open sesame", "hunter2", base64.b64encode(b"x" * 65).decode()])
def test_a_secret_that_is_none_is_refused_unshown(secret: str) -> None:
    with pytest.raises(WebhookError, match="TIDEGATE_WEBHOOK_SECRET") as caught:
        webhook_target("https://example.org/", secret)
    assert "secrets.token_bytes" in str(caught.value)
    assert not secret.strip() or secret == "whsec_" or secret not in str(caught.value)


@pytest.mark.parametrize("url", ["", "example.org/hook", "/hook", "ftp://example.org/", "http://", "http://a:b@[::1/"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(WebhookError, match="TIDEGATE_WEBHOOK_URL"):
        webhook_target(url, None)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:hunter2@example.org:8443/hook?token=hunter2#x", "example.org:8443/hook"),
        ("http://[::1]:9000/a/b", "[::1]:9000/a/b"),
        (
            "https://hooks.example.org/services/T01/B02/abcdefghijklmnopqrstuvwx",
            "hooks.example.org/services/T01/B02/abcd…",
        ),
    ],
)
def test_people_see_where_it_goes_and_no_secret(url: str, shown: str) -> None:
    target = webhook_target(url, SECRET)
    assert target.shown == shown
    assert repr(target) == f"WebhookTarget(shown={shown!r})"
