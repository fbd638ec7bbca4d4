"""Answers of the git remote that git itself does not give: plain text, which a git client shows as `remote:`."""

from collections.abc import Iterable

from web.asgi import Send

TEXT = (b"content-type", b"text/plain; charset=utf-8")
CHALLENGE = (b"www-authenticate", b'Basic realm="Tidegate", charset="UTF-8"')
HOW_TO_ENTER = (
    "This remote wants the installation's token as the password, with any user name. "
    "It is in the file `token` of the home folder (~/.tidegate)."
)


async def answer(
    send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = (TEXT,), *, head: bool = False
) -> None:
    """The whole response."""
    told = [*headers, (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": b"" if head else body})


async def say(send: Send, status: int, text: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Plain text."""
    await answer(send, status, f"{text}\n".encode(), (TEXT, *headers))


async def ask_to_wait(send: Send, wait_s: int) -> None:
    text = f"Too many wrong tokens came from your address: try again in {wait_s} s, with the right one"
    await say(send, 429, text, ((b"retry-after", str(wait_s).encode()),))


async def ask_for_token(send: Send) -> None:
    await say(send, 401, HOW_TO_ENTER, (CHALLENGE,))
