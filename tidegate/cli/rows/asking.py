"""A file's rows through the gateway, in bodies that fit it."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from tidegate.cli.exits import CliError, Exit, not_running
from tidegate.cli.rows.rows import Row, Wanted
from tidegate.settings import Settings

_OPENING, _CLOSING = b'{"instances":[', b"]}"
_ROW_IN_MESSAGE = re.compile(r"instances\[(\d+)\]\.?")
_TRIES = 5
"""Of one body, where the gateway says that it may be tried again."""
_LONGEST_PAUSE_S = 10.0
_encoder = msgspec.json.Encoder()


@dataclass
class Body:
    """What is sent at once."""

    rows: list[bytes]
    places: list[str]
    """Where each row is from."""

    def encoded(self) -> bytes:
        return _OPENING + b",".join(self.rows) + _CLOSING

    def halves(self) -> tuple["Body", "Body"]:
        middle = len(self.rows) // 2
        return Body(self.rows[:middle], self.places[:middle]), Body(self.rows[middle:], self.places[middle:])


def bodies(rows: Iterable[Row], max_bytes: int, max_instances: int) -> Iterator[Body]:
    """The rows in their order, as many in each body as may be.

    Raises:
        CliError: one row alone is larger, or is nothing that can be sent.
    """
    body, size = Body([], []), len(_OPENING) + len(_CLOSING)
    for row in rows:
        encoded = _encoded(row)
        if len(encoded) + len(_OPENING) + len(_CLOSING) > max_bytes:
            limit = f"the most that a request may have is {max_bytes:,} (TIDEGATE_MAX_REQUEST_BYTES)"
            raise CliError(f"{row.place} has {len(encoded):,} bytes as JSON; {limit}.", Exit.REFUSED)
        if body.rows and (size + len(encoded) + 1 > max_bytes or len(body.rows) >= max_instances):
            yield body
            body, size = Body([], []), len(_OPENING) + len(_CLOSING)
        body.rows.append(encoded)
        body.places.append(row.place)
        size += len(encoded) + 1
    if body.rows:
        yield body


def _encoded(row: Row) -> bytes:
    try:
        return _encoder.encode(row.instance)
    except (ValueError, RecursionError) as error:  # half a character of UTF-16, or a thousand brackets
        raise CliError(f"{row.place} cannot be sent: {error}.", Exit.REFUSED) from error


class Asking:
    """One model, asked over one connection."""

    def __init__(self, settings: Settings, model: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._model = model
        self._sleep = sleep
        self._client = httpx.Client(base_url=settings.gateway_url, timeout=settings.runner_timeout_s + 5)

    def close(self) -> None:
        self._client.close()

    def wanted(self) -> Wanted:
        """What the model asks for; nothing is known of one that is not there, which is said when it is asked."""
        answer = self._request("GET", "/v1/models")
        found = answer.json().get("models", []) if answer.is_success else []
        own = [one for one in found if (one["workspace"], one["model"]) == ("default", self._model)]
        if not own or not own[0]["validated"]:
            return Wanted()
        schema = max(own, key=lambda one: float(one["weight"]))["input_schema"]
        types = {name: _types(described["type"]) for name, described in schema["properties"].items()}
        return Wanted(types, schema.get("required", ()))

    def predict(self, body: Body) -> Iterator[dict[str, Any]]:
        """The answers to its rows, in order; several where a gateway with other limits takes only a part at once.

        Raises:
            CliError: there are none, and why.
        """
        answer = self._answered(body)
        if answer.is_success:
            yield dict(answer.json())
        elif answer.status_code == 413 and len(body.rows) > 1:
            for half in body.halves():
                yield from self.predict(half)
        else:
            code = Exit.UNKNOWN if answer.status_code == 404 else Exit.REFUSED
            raise CliError(_explain(answer, body.places), code)

    def _answered(self, body: Body) -> httpx.Response:
        """Tried again where the gateway says when."""
        content = body.encoded()
        path = f"/v1/models/{self._model}/predict"
        for left in reversed(range(_TRIES)):
            answer = self._request("POST", path, content=content, headers={"content-type": "application/json"})
            after = answer.headers.get("retry-after", "")
            if not left or answer.status_code != 503 or not after.isdigit():
                break
            self._sleep(min(float(after), _LONGEST_PAUSE_S))
        return answer

    def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **more)
        except httpx.ConnectError as error:
            raise not_running(self._settings.home_path) from error
        except httpx.HTTPError as error:
            told = error or type(error).__name__
            raise CliError(f"The gateway gave no answer: {told}. See `tidegate logs gateway`.") from error


def _types(described: Any) -> list[str]:
    return [described] if isinstance(described, str) else list(described)


def _explain(answer: httpx.Response, places: list[str]) -> str:
    try:
        body = answer.json()
    except ValueError:
        return f"The gateway answered {answer.status_code}: {answer.text[:500]}"
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message") if isinstance(error, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    told = [str(detail["message"]) for detail in details or [] if isinstance(detail, dict) and "message" in detail]
    # The message is made of the first few: with a list of all there is no need for it.
    return "\n".join(_placed(each, places) for each in told[:20] or [str(message or body)])


def _placed(message: str, places: list[str]) -> str:
    """With the row's place in the file instead of that in the request."""
    found = _ROW_IN_MESSAGE.match(message)
    if found is None or int(found[1]) >= len(places):
        return message
    rest = message[found.end() :].removeprefix(": ")
    return f"{places[int(found[1])]}: {rest}"
