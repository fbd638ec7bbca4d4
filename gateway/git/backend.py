"""`git http-backend` behind ASGI: the request's body in, its answer out, both as they come, nothing held in memory.

Bare ASGI, since Starlette's streaming response reads the request's body away while git still needs it.
"""

import asyncio
import contextlib
import logging
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping

from gateway.git.answers import say
from gateway.inference import Scope, Send
from gateway.requests import Receive

log = logging.getLogger(__name__)

CHUNK_BYTES = 65_536
HEADER_BYTES = 65_536


async def run_backend(environment: Mapping[str, str], receive: Receive, send: Send) -> None:
    """One request through git. A client that goes away while it sends ends the push; later it does not."""
    process = await asyncio.create_subprocess_exec(
        "git", "http-backend", stdin=PIPE, stdout=PIPE, env=dict(environment), limit=HEADER_BYTES
    )
    feeding = asyncio.create_task(_feed(process, receive))
    try:
        await _relay(process, send)
        # A client that still sends must be heard out, or it sees a broken connection instead of the answer.
        await feeding
    except asyncio.CancelledError:
        # The gateway stops: nobody will hear the rest.
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    finally:
        feeding.cancel()
        if process.returncode is None:
            await process.wait()


def cgi_environment(scope: Scope, root: str, path: str) -> dict[str, str]:
    """What CGI names of the request; a length only where the client told one (chunked pushes have none)."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    told = {
        "GIT_PROJECT_ROOT": root,
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "REQUEST_METHOD": scope["method"],
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REMOTE_USER": "token",
        "REMOTE_ADDR": (scope.get("client") or ("127.0.0.1", 0))[0],
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": headers.get("content-length"),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding"),
        "GIT_PROTOCOL": headers.get("git-protocol"),
    }
    return {name: value for name, value in told.items() if value is not None}


async def _feed(process: Process, receive: Receive) -> None:
    """The body into git; what it does not want is read all the same."""
    stdin = process.stdin
    if stdin is None:
        return
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and bool(message.get("more_body"))
        body = message.get("body", b"")
        if body and not stdin.is_closing():
            with contextlib.suppress(ConnectionError):
                stdin.write(body)
                await stdin.drain()
    stdin.close()


async def _relay(process: Process, send: Send) -> None:
    stdout = process.stdout
    if stdout is None:
        return
    try:
        status, headers = await _head(stdout)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        log.error("git http-backend gave no answer; its own words are above")
        await say(send, 500, "The git remote failed: `tidegate logs gateway` says why")
        return
    await send({"type": "http.response.start", "status": status, "headers": headers})
    while chunk := await stdout.read(CHUNK_BYTES):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _head(stdout: asyncio.StreamReader) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Status and headers of a CGI answer."""
    status = 200
    headers = []
    while line := (await stdout.readuntil(b"\n")).strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"status":
            status = int(value.split()[0])
        else:
            headers.append((name.lower(), value.strip()))
    return status, headers
