"""One whole answer from a raw connection: it may come in any number of pieces."""

import socket


def whole_answer(connection: socket.socket) -> bytes:
    """Head and body, to the length that the head says; to the end of the connection where it says none.

    Raises TimeoutError where its first bytes do not come in the connection's own time; what follows has a minute.
    """
    got = connection.recv(65536)
    connection.settimeout(60)
    while not _is_whole(got):
        more = connection.recv(65536)
        if not more:
            break
        got += more
    return got


def _is_whole(got: bytes) -> bool:
    head, ends, body = got.partition(b"\r\n\r\n")
    if not ends:
        return False
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if headers.get(b"transfer-encoding") == b"chunked":
        return body.endswith(b"0\r\n\r\n")
    return b"content-length" in headers and len(body) >= int(headers[b"content-length"])
