"""`git http-backend` behind ASGI: the request's body in, its answer out, both as they come, nothing held in memory.

Bare ASGI, since Starlette's streaming response reads the request's body away while git still needs it.
"""

import asyncio
import contextlib
import logging
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from typing import Protocol

from gateway.git.answers import answer, say
from gateway.git.body import Body, BodyRefusedError
from gateway.git.memory import MEMORY_BYTES, MemoryNote
from model_runner import watched
from web.asgi import Receive, Scope, Send

log = logging.getLogger(__name__)

CHUNK_BYTES = 65_536
HEADER_BYTES = 65_536
_LIMITED = 'ulimit -d "$1" 2>/dev/null; exec git http-backend'


class Editor(Protocol):
    """What stands between git's answer and the client."""

    def feed(self, chunk: bytes) -> bytes:
        """What to send now."""

    def end(self) -> bytes:
        """What is left to send."""


async def run_backend(
    environment: Mapping[str, str], receive: Receive, send: Send, body: Body, editor: Editor | None = None
) -> None:
    """One request through git. A client that goes away while it sends ends the push; later it does not."""
    command = ("/bin/sh", "-c", _LIMITED, "sh", str(MEMORY_BYTES // 1024))
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, env=dict(environment), limit=HEADER_BYTES
    )
    feeding = watched.awaited(_feed(process, receive, body))
    try:
        await _relay(process, send, feeding, editor or MemoryNote())
        # A client that still sends must be heard out, or it sees a broken connection instead of the answer.
        with contextlib.suppress(BodyRefusedError):
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
    """What CGI names of the request. Neither its length nor its encoding: git gets the body unpacked, to its end."""
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
        "GIT_PROTOCOL": headers.get("git-protocol"),
    }
    return {name: value for name, value in told.items() if value is not None}


async def _feed(process: Process, receive: Receive, body: Body) -> None:
    """The body into git; what it does not want is read all the same. Raises BodyRefusedError: git is ended."""
    stdin = process.stdin
    if stdin is None:
        return
    more = True
    try:
        while more:
            message = await receive()
            more = message["type"] == "http.request" and bool(message.get("more_body"))
            for piece in body.feed(message.get("body", b"")):
                if not stdin.is_closing():
                    with contextlib.suppress(ConnectionError):
                        stdin.write(piece)
                        await stdin.drain()
    except BodyRefusedError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    finally:
        stdin.close()


async def _relay(process: Process, send: Send, feeding: asyncio.Task[None], note: Editor) -> None:
    stdout = process.stdout
    if stdout is None:
        return
    try:
        status, headers = await _head(stdout)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        await _say_why_not(send, feeding)
        return
    await send({"type": "http.response.start", "status": status, "headers": headers})
    while chunk := await stdout.read(CHUNK_BYTES):
        await send({"type": "http.response.body", "body": note.feed(chunk), "more_body": True})
    refused = _refusal(feeding)
    await send({"type": "http.response.body", "body": note.end() + (b"" if refused is None else refused.packet())})


def _refusal(feeding: asyncio.Task[None]) -> BodyRefusedError | None:
    """Why git was ended."""
    error = feeding.exception() if feeding.done() and not feeding.cancelled() else None
    return error if isinstance(error, BodyRefusedError) else None


async def _say_why_not(send: Send, feeding: asyncio.Task[None]) -> None:
    refused = _refusal(feeding)
    if refused is not None:
        # A status would be all that a client shows of this answer; a packet of git's own protocol it shows.
        await answer(send, 200, refused.packet(), ((b"content-type", refused.content_type),))
        return
    log.error("git http-backend gave no answer; its own words are above")
    await say(send, 500, "The git remote failed: `tidegate logs gateway` says why")


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
