"""Addresses of runners, as they stand in the registry."""

import pytest

from model_runner.wire.tcp_address import TcpAddress, is_tcp, parse_tcp


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("tcp://10.1.2.3:8750", "10.1.2.3", 8750),
        ("tcp://[::1]:80", "::1", 80),
        ("tcp://:80", "127.0.0.1", 80),
        ("tcp://runner.models.svc:1", "runner.models.svc", 1),
    ],
)
def test_what_is_an_address(text: str, host: str, port: int) -> None:
    found = parse_tcp(text)
    assert found == TcpAddress(host, port)
    assert parse_tcp(str(found)) == found
    assert is_tcp(text)


@pytest.mark.parametrize("text", ["/run/r/d1/s", "tcp://host", "tcp://host:", "tcp://host:99999", "tcp://h:x", "h:80"])
def test_what_is_none_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="tcp://host:port"):
        parse_tcp(text)
