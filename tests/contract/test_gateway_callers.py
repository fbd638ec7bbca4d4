"""The gateway as other servers' clients, browsers and proxies call it, on real sockets."""

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import zstandard

from gateway.routing.routes import Route
from model_runner.schema import schema as schema_codec
from model_runner.schema.schema import Feature, InputSchema, Kind
from tests.support.broker import embedded_broker
from tests.support.events import make_topic
from tests.support.gateways import GatewayProcess, gateway
from tests.support.models import EXAMPLE, FEATURES, write_classifier
from tests.support.raw_answers import whole_answer
from tests.support.runners import runner

PATH = "/v1/models/market/predict"
SHOP = "https://shop.example"
BODY = json.dumps(EXAMPLE).encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """Its model `market` takes its features in a known order; of `named` nobody knows it."""
    scratch = tmp_path_factory.mktemp("callers")
    folder = write_classifier(scratch / "m")
    features = tuple(Feature(name=name, kind=Kind.NUMERIC) for name in FEATURES)
    with embedded_broker() as broker, runner(folder, scratch) as process:
        make_topic(broker.bootstrap)
        common: dict[str, Any] = {"workspace": "default", "version": 1, "addresses": (str(process.socket),)}
        routes = [
            Route(
                model=model,
                deployment_id=model,
                schema_json=schema_codec.encode(InputSchema(features=features, source="x", positional=positional)),
                example=EXAMPLE,
                **common,
            )
            for model, positional in (("market", True), ("named", False))
        ]
        with gateway(scratch, broker.bootstrap, routes, ("--max-bytes", "20000", "--cors", SHOP)) as process_:
            yield process_


def post(served: GatewayProcess, body: Any, path: str = PATH, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(served.url + path, content=content, headers=named, timeout=60)


def raw(served: GatewayProcess, sent: bytes) -> bytes:
    """All that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(sent)
        got = b""
        while data := connection.recv(65536):
            got += data
    return got


def plain(served: GatewayProcess) -> Any:
    """The answer to the example, as anybody asks for it."""
    return post(served, {"instances": [EXAMPLE]}).json()["predictions"]


VALUES = list(EXAMPLE.values())


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [VALUES]},
        {"dataframe_split": {"columns": list(EXAMPLE)[::-1], "data": [VALUES[::-1]]}},
        {"dataframe_records": [EXAMPLE]},
    ],
)
def test_other_servers_bodies_get_the_same_answer_where_they_can_mean_one_thing(
    served: GatewayProcess, body: Any
) -> None:
    answer = post(served, body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"] == plain(served)


def test_it_is_said_of_each_model_whether_lists_are_read(served: GatewayProcess) -> None:
    listed = httpx.get(f"{served.url}/v1/models").json()["models"]
    assert {model["model"]: model["positional"] for model in listed} == {"market": True, "named": False}


def test_lists_are_checked_as_rows_are(served: GatewayProcess) -> None:
    refused = post(served, {"instances": [[1.0, "high", 2.0]]})
    assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "demand")
    unordered = post(served, {"instances": [VALUES]}, "/v1/models/named/predict")
    assert unordered.status_code == 400
    assert post(served, unordered.json()["error"]["details"][0]["send"], "/v1/models/named/predict").status_code == 200


@pytest.mark.parametrize("coding", ["gzip", "zstd", "x-gzip"])
def test_a_compressed_body_gets_the_same_answer(served: GatewayProcess, coding: str) -> None:
    packed = zstandard.compress(BODY) if coding == "zstd" else gzip.compress(BODY)
    answer = post(served, packed, content_encoding=coding)
    assert answer.status_code == 200
    assert [answer.json()["prediction"]] == plain(served)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_compressed_body_that_does_not_say_so_is_told_the_header(served: GatewayProcess, coding: str) -> None:
    answer = post(served, gzip.compress(BODY) if coding == "gzip" else zstandard.compress(BODY))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")
    assert f"Content-Encoding: {coding}" in answer.json()["error"]["message"]


def test_a_bomb_is_refused_with_the_limit(served: GatewayProcess) -> None:
    for coding, pack in (("gzip", gzip.compress), ("zstd", zstandard.compress)):
        answer = post(served, pack(b" " * 50_000_000)[:20_000], content_encoding=coding)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
        assert "TIDEGATE_MAX_REQUEST_BYTES" in answer.json()["error"]["message"]


def test_an_unknown_coding_is_told_those_that_are_taken(served: GatewayProcess) -> None:
    answer = post(served, BODY, content_encoding="br")
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip, zstd")


def test_a_mark_is_skipped_and_another_encoding_named(served: GatewayProcess) -> None:
    assert post(served, b"\xef\xbb\xbf" + BODY).status_code == 200
    answer = post(served, BODY.decode().encode("utf-16"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")
    assert "UTF-16" in answer.json()["error"]["message"]


def test_a_field_twice_and_a_number_too_large_are_refused_by_name(served: GatewayProcess) -> None:
    twice = post(served, b'{"price": 1, "demand": 2, "transfer": 3, "price": 4}')
    assert (twice.status_code, twice.json()["error"]["details"][0]["field"]) == (400, "price")
    for number, status in ((b"1E400", 400), (b"-" + b"9" * 30, 422), (b"1" + b"0" * 400, 422), (b"9" * 5000, 400)):
        large = post(served, b'{"price": 1, "transfer": 3, "demand": ' + number + b"}")
        assert (large.status_code, large.json()["error"]["details"][0]["field"]) == (status, "demand")


@pytest.mark.parametrize(
    "path",
    ["/v1/models/market/predict/", "/v1/models/m%61rket/predict", "/v1/workspaces/default/models/market/predict/"],
)
def test_these_paths_are_the_same(served: GatewayProcess, path: str) -> None:
    assert post(served, EXAMPLE, path).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/v1/models/market:predict", "/v2/models/market/infer", "/v1/models/Market/predict", "//v1/models/market/predict"],
)
def test_other_paths_name_the_right_one(served: GatewayProcess, path: str) -> None:
    refused = post(served, EXAMPLE, path)
    assert refused.status_code == 404
    message = refused.json()["error"]["message"]
    assert "POST /v1/models/market/predict" in message or "Did you mean 'market'?" in message


def test_other_servers_paths_without_a_name_show_where_models_are(served: GatewayProcess) -> None:
    for path in ("/invocations", "/v1/", "/api/v1.0/predictions"):
        assert "/v1/models/market/predict" in post(served, EXAMPLE, path).json()["error"]["message"]
    assert "Did you mean /healthz?" in httpx.get(f"{served.url}/health").json()["error"]["message"]
    assert httpx.post(f"{served.url}/healthz").json()["error"]["message"] == "Send GET here"


def test_a_page_of_an_allowed_origin_asks_and_reads(served: GatewayProcess) -> None:
    asked = {"origin": SHOP, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    preflight = httpx.options(served.url + PATH, headers=asked)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == SHOP
    for body, status in ((EXAMPLE, 200), ({"price": "x"}, 422)):
        answer = post(served, body, origin=SHOP, sec_fetch_site="cross-site")
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, SHOP)
        assert answer.headers["vary"] == "Origin"
    missing = post(served, EXAMPLE, "/v1/models/nobody/predict", origin=SHOP)
    assert (missing.status_code, missing.headers["access-control-allow-origin"]) == (404, SHOP)


def test_no_other_page_does_and_nothing_else_is_opened(served: GatewayProcess) -> None:
    evil = post(served, EXAMPLE, origin="https://evil.example")
    assert (evil.status_code, "access-control-allow-origin" in evil.headers) == (403, False)
    assert httpx.options(served.url + PATH, headers={"origin": "https://evil.example"}).status_code == 403
    for path in ("/v1/models", "/api/v1/models", "/git/default/market.git/info/refs", "/healthz", "/docs", "/metrics"):
        for method in ("GET", "OPTIONS", "POST"):
            answer = httpx.request(method, served.url + path, headers={"origin": SHOP})
            assert answer.status_code == 403, (method, path)
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_options_head_and_another_method_are_answered_as_the_standard_says(served: GatewayProcess) -> None:
    options = httpx.options(served.url + PATH)
    assert (options.status_code, options.headers["allow"], options.content) == (204, "POST, OPTIONS", b"")
    head = httpx.head(served.url + PATH)
    assert (head.status_code, head.headers["allow"], head.content) == (405, "POST, OPTIONS", b"")
    for path in ("/healthz", "/readyz", "/v1/models", "/openapi.json", "/metrics"):
        got, asked = httpx.get(served.url + path), httpx.head(served.url + path)
        assert (asked.status_code, asked.content) == (200, b"")
        assert asked.headers["content-type"] == got.headers["content-type"]
    assert httpx.head(f"{served.url}/api/v1/models").status_code == 401


def test_a_request_of_http_1_0_is_answered_and_its_connection_closed(served: GatewayProcess) -> None:
    head = f"POST {PATH} HTTP/1.0\r\ncontent-length: {len(BODY)}\r\n\r\n".encode()
    answer = raw(served, head + BODY)
    assert b" 200 OK\r\n" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["model"] == "market"
    assert raw(served, b"GET /healthz HTTP/1.0\r\n\r\n").endswith(b"ok\n")
    assert raw(served, b"HEAD /healthz HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\n")


def test_a_request_of_http_1_1_without_a_host_is_refused(served: GatewayProcess) -> None:
    head = f"POST {PATH} HTTP/1.1\r\ncontent-length: {len(BODY)}\r\n".encode()
    assert raw(served, head + b"\r\n" + BODY).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert raw(served, head + b"host: 127.0.0.1\r\nconnection: close\r\n\r\n" + BODY).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(("path", "first"), [(PATH, b"100 Continue"), ("/v1/models/nobody/predict", b"404 Not Found")])
def test_a_client_that_asks_before_it_sends_is_told(served: GatewayProcess, path: str, first: bytes) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: 100-continue\r\ncontent-length: {len(BODY)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 " + first)
        if first.startswith(b"100"):
            connection.sendall(BODY)
            assert b" 200 OK\r\n" in whole_answer(connection)


def test_a_body_in_chunks_and_two_requests_on_one_connection(served: GatewayProcess) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\n".encode()
    chunked = b"transfer-encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    last = b"connection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)
    assert raw(served, head + chunked + head + last).count(b" 200 OK\r\n") == 2
