"""Which pages may ask for predictions, and read them; and that this opens nothing else."""

import pytest

from gateway.edge.cors import Cors, cors_of
from tidegate.processes.gateway import gateway_config
from tidegate.settings import Settings
from web.pages import page_guard

PAGES = page_guard("127.0.0.1", origins=["https://proxy.example"], has_pages=True)
SHOP = cors_of(["https://Shop.example/", " http://localhost:3000 "])
EVERY = cors_of(["*"])


def headers(**given: str) -> list[tuple[bytes, bytes]]:
    named = {"host": "127.0.0.1:8700", **given}
    return [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]


def from_page(origin: str = "https://shop.example", **more: str) -> list[tuple[bytes, bytes]]:
    return headers(origin=origin, sec_fetch_site="cross-site", **more)


def test_nobody_may_unless_it_is_said() -> None:
    assert Cors().headers(from_page()) == []
    assert Cors().of_options(from_page(access_control_request_method="POST")) == [(b"allow", b"POST, OPTIONS")]
    assert Cors().guard(PAGES).refusal(from_page()) is not None
    assert "TIDEGATE_CORS_ORIGINS" in str(Cors().guard(PAGES).refusal(from_page()))
    assert cors_of([]) == Cors()


def test_a_setting_allows_origins_at_the_prediction_endpoints_alone() -> None:
    config = gateway_config(Settings.model_validate({"cors_origins": "https://shop.example, http://localhost:3000"}))
    assert config.cors == SHOP
    assert config.pages.refusal(from_page()) is not None
    assert gateway_config(Settings.model_validate({"allowed_origins": "https://shop.example"})).cors == Cors()


@pytest.mark.parametrize("cors", [SHOP, EVERY])
def test_an_allowed_page_may_send_and_read(cors: Cors) -> None:
    assert cors.guard(PAGES).refusal(from_page()) is None
    found = dict(cors.headers(from_page()))
    assert found[b"access-control-allow-origin"] in (b"https://shop.example", b"*")
    assert b"X-Request-Id" in found[b"access-control-expose-headers"]
    preflight = dict(cors.of_options(from_page(access_control_request_method="POST")))
    assert preflight[b"access-control-allow-methods"] == b"POST"
    assert b"Content-Type" in preflight[b"access-control-allow-headers"]
    assert b"access-control-allow-credentials" not in preflight


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil", "http://shop.example"])
def test_another_page_may_not(origin: str) -> None:
    assert SHOP.guard(PAGES).refusal(from_page(origin)) is not None
    assert SHOP.headers(from_page(origin)) == [(b"vary", b"Origin")]


def test_the_name_of_the_host_is_judged_all_the_same() -> None:
    assert EVERY.guard(PAGES).refusal([(b"host", b"evil.example"), (b"origin", b"http://evil.example")]) is not None


def test_who_may_ask_the_rest_may_ask_for_predictions_and_not_the_other_way_round() -> None:
    assert SHOP.guard(PAGES).refusal(from_page("https://proxy.example")) is None
    assert PAGES.refusal(from_page()) is not None
    assert EVERY.guard(PAGES) != PAGES, "the guard of the rest stays as it was"


def test_a_page_of_the_internet_may_ask_a_private_address_where_it_asks_whether_it_may() -> None:
    asked = from_page(access_control_request_method="POST", access_control_request_private_network="true")
    assert (b"access-control-allow-private-network", b"true") in SHOP.of_options(asked)
