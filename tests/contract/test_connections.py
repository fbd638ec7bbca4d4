"""Clients that say nothing, half of it, or too much, and those that are only slow, on real sockets."""

import contextlib
import http.client
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.support.bounded_server import bounded_server, busy
from tests.support.ports import free_ports
from tests.support.raw_answers import whole_answer
from tests.support.waiting import wait_until
from tidegate import monitor
from tidegate.bounded_http import MOST
from web.connection_limits import ConnectionLimits

LIMITS = ConnectionLimits(
    most=30, head_s=1.0, body_s=1.0, least_bytes=1000, keep_alive_s=600.0, head_bytes=20_000, look_s=0.1
)
POST = b"POST /size HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"
GET = b"GET /size HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with bounded_server(tmp_path_factory.mktemp("bounded"), LIMITS) as port:
        yield port


def connect(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(sent)
    return connection


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            got += data
    return got


def test_a_silent_connection_is_closed(port: int) -> None:
    with connect(port) as silent:
        assert rest(silent) == b""


@pytest.mark.parametrize("begun", [b"G", b"GET /size HTTP/1.1\r\nhost: x\r\nx-slow: "])
def test_half_a_head_is_refused(port: int, begun: bytes) -> None:
    with connect(port, begun) as half:
        assert rest(half).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_half_a_head_after_a_whole_request_is_refused_too(port: int) -> None:
    with connect(port, GET + GET[:20]) as half:
        answers = rest(half)
    assert answers.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"HTTP/1.1 408 Request Timeout\r\n" in answers


@pytest.mark.parametrize("hosts", ["", "host: x\r\nhost: y\r\n"])
def test_a_request_without_one_host_is_refused_in_its_turn(port: int, hosts: str) -> None:
    """RFC 9112, 3.2: a request of HTTP/1.1 says whom it is for."""
    with connect(port, GET + f"POST /size HTTP/1.1\r\n{hosts}content-length: 9\r\n\r\n123456789".encode()) as hostless:
        first, _, second = rest(hostless).partition(b"HTTP/1.1 400 Bad Request\r\n")
    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in second
    assert b"Host" in second
    assert busy(port, "/size") == 0


def test_http_1_0_needs_no_host_and_an_empty_one_is_one(port: int) -> None:
    for sent in (b"GET /size HTTP/1.0\r\n\r\n", b"GET /size HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n"):
        with connect(port, sent) as bare:
            assert rest(bare).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_head_that_trickles_has_no_longer_than_one_that_does_not(port: int) -> None:
    with connect(port, b"GET /size HTTP/1.1\r\nx: ") as trickling:
        end = time.monotonic() + 60
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < end:
                trickling.sendall(b"y")
                time.sleep(0.05)
            pytest.fail("it could trickle for a minute")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /size HTTP/1.1\r\nx: " + b"y" * 100_000,
        b"GET /size HTTP/1.1\r\n" + b"x: y\r\n" * 20_000,
        b"GET /" + b"y" * 100_000,
        b"\r\n" * 50_000,
        b"POST /size HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * 200_000,
    ],
    ids=["a long header", "many headers", "a long path", "empty lines", "trailers"],
)
def test_a_head_without_end_is_refused(port: int, sent: bytes) -> None:
    with connect(port) as endless:
        with contextlib.suppress(ConnectionError):
            endless.sendall(sent)
        assert b"431 Request Header Fields Too Large" in (rest(endless) or b"431 Request Header Fields Too Large")
    assert busy(port, "/size") == 0


@pytest.mark.parametrize("begun", [b"", b"x" * 999])
def test_a_body_that_stops_is_refused(port: int, begun: bytes) -> None:
    with connect(port, POST + begun) as stopped:
        assert rest(stopped).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    wait_until(lambda: busy(port, "/size") == 0, 10, "the application to have left")


def test_what_is_sent_after_a_refusal_is_not_read_for_ever(port: int) -> None:
    with connect(port, b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000000\r\n\r\n") as deaf:
        assert deaf.recv(65536).startswith(b"HTTP/1.1 413")
        with contextlib.suppress(ConnectionError):
            for _ in range(10_000):
                deaf.sendall(b"x" * 1000)
                time.sleep(0.005)
            pytest.fail("it could send for 50 s")


def test_an_answer_that_nobody_reads_is_given_up(port: int) -> None:
    with connect(port, b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n") as unread:
        wait_until(lambda: busy(port, "/flood") == 1, 10, "it to have begun")
        wait_until(lambda: busy(port, "/flood") == 0, 30, "it to be given up")
        assert len(rest(unread)) < 100_000_000


def test_what_is_sent_and_read_slowly_arrives(tmp_path: Path) -> None:
    """For twice as long as a period is, and with the least bytes many times within each."""
    limits = replace(LIMITS, body_s=4.0)
    with bounded_server(tmp_path, limits) as port, ThreadPoolExecutor() as pool:
        until = time.monotonic() + 2.5 * limits.body_s
        sent, read = pool.submit(_send_slowly, port, until), pool.submit(_read_slowly, port, until)
        assert b'"size": 1000000' in sent.result()
        assert read.result() > 100_000_000


def _send_slowly(port: int, until: float) -> bytes:
    with connect(port, POST.replace(b"host", b"connection: close\r\nhost")) as slow:
        left = 1_000_000
        while time.monotonic() < until:
            slow.sendall(b"x" * 2_000)
            left -= 2_000
            time.sleep(0.1)
        slow.sendall(b"x" * left)
        return rest(slow)


def _read_slowly(port: int, until: float) -> int:
    got = 0
    with connect(port, b"GET /flood HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") as slow:
        while data := slow.recv(500_000):
            got += len(data)
            time.sleep(0.1 if time.monotonic() < until else 0.0)
    return got


def _kept(port: int) -> http.client.HTTPConnection:
    """A connection that was answered once and is kept; one that did not ask in `head_s` was closed: then another."""
    while True:
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        kept.auto_open = 0  # the same connection or none
        kept.connect()
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            kept.request("GET", "/size")
            kept.getresponse().read()
            return kept
        kept.close()


def test_a_request_may_take_its_time_and_so_may_the_next(port: int) -> None:
    idle = _kept(port)
    with connect(port, b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n") as waiting:
        for _ in range(2):
            idle.request("GET", "/size")
            assert idle.getresponse().read().startswith(b'{"size": 0')
            time.sleep(2 * max(LIMITS.head_s, LIMITS.body_s))
        assert busy(port, "/wait") == 1
        waiting.shutdown(socket.SHUT_RDWR)
    idle.close()
    wait_until(lambda: busy(port, "/wait") == 0, 10, "the application to hear that its client is gone")


OFFER = b"host: x\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAB\r\n"
"""As Java's client sends with its first request to every address without TLS."""


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"content-length: 6", b"abcdef"),
        (b"transfer-encoding: chunked", b"2\r\nab\r\n4\r\ncdef\r\n0\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("pieces", [1, 5], ids=["at once", "in pieces"])
def test_an_offer_of_another_protocol_is_passed_over(port: int, framing: bytes, body: bytes, pieces: int) -> None:
    """The request is answered, with its body, and so are those after it on the connection, whatever they offer."""
    sent = b"POST /size HTTP/1.1\r\n" + OFFER + framing + b"\r\n\r\n" + body
    sent += b"GET /size HTTP/1.1\r\n" + OFFER + b"\r\n"
    sent += sent + b"GET /size HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    with connect(port) as caller:
        step = -(-len(sent) // pieces)
        for start in range(0, len(sent), step):
            caller.sendall(sent[start : start + step])
            time.sleep(0.02)
        answers = rest(caller)
    assert answers.count(b"HTTP/1.1 200 OK") == 5
    assert re.findall(rb'"size": (\d+)', answers) == [b"6", b"0", b"6", b"0", b"0"]


def test_many_connections_push_out_the_idlest(port: int) -> None:
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(connect(port, GET))
        assert first.recv(65536).startswith(b"HTTP/1.1 200")
        crowd = [stack.enter_context(connect(port, GET)) for _ in range(LIMITS.most + 5)]
        for one in crowd:
            with contextlib.suppress(ConnectionResetError):
                one.recv(65536)
        rest(first)  # to the end that the server gave it
        assert httpx.get(f"http://127.0.0.1:{port}/size", timeout=60).status_code == 200


def test_where_none_is_idle_one_more_is_refused(tmp_path: Path) -> None:
    with bounded_server(tmp_path, replace(LIMITS, most=5)) as port, contextlib.ExitStack() as stack:
        for _ in range(5):
            taken = stack.enter_context(connect(port, b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"))
            assert taken.recv(65536).startswith(b"HTTP/1.1 200")
        with connect(port) as more:
            refused = rest(more)
    assert refused.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"retry-after: 1\r\n" in refused


def test_bodies_that_drip_make_room(tmp_path: Path) -> None:
    """Long before they would be ended, and one that comes fast stays."""
    limits = replace(LIMITS, most=5, body_s=600.0, hurried_s=0.5, hurried_bytes_a_second=5_000)
    with bounded_server(tmp_path, limits) as port, contextlib.ExitStack() as stack:
        fast = stack.enter_context(connect(port, POST + bytes(990_000)))
        slow = [stack.enter_context(connect(port, POST + b"x")) for _ in range(4)]
        time.sleep(2 * limits.hurried_s)
        with connect(port, GET) as more:
            assert more.recv(65536).startswith(b"HTTP/1.1 200")
            assert rest(slow[0]).startswith(b"HTTP/1.1 408 Request Timeout")
        fast.sendall(bytes(10_000))
        assert b'"size": 1000000' in whole_answer(fast)


def test_idle_connections_are_closed_in_the_end(tmp_path: Path) -> None:
    with bounded_server(tmp_path, ConnectionLimits(keep_alive_s=0.2, look_s=0.05)) as port, connect(port, GET) as idle:
        answer = rest(idle)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"408" not in answer


def test_a_monitor_answers_whatever_its_other_clients_do() -> None:
    port = free_ports(1)[0]
    server = monitor.serve(port, lambda: None)
    try:
        with contextlib.ExitStack() as stack:
            crowd = [stack.enter_context(connect(port, b"GET /heal" if n % 2 else b"")) for n in range(500)]
            assert len(crowd) > 2 * MOST
            assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).text == "ready\n"
            assert rest(crowd[0]) == b""
            assert rest(crowd[1]) == b""
    finally:
        server.shutdown()
        server.server_close()
