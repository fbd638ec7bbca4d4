"""Errors of the management API: the same shape as those of predictions."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from gateway.edge.token import CHALLENGE
from gateway.ids import request_id_of, uuid7
from gateway.refusals import Refusal


class Problem(BaseModel):
    code: str = Field(description="Stable, for programs.")
    message: str = Field(description="For people: what is wrong, and what to do.")
    details: list[Any]


class ErrorAnswer(BaseModel):
    error: Problem
    request_id: str


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses for an operation's `responses`."""
    meanings = {
        401: "No token, or a wrong one",
        404: "No such model, version, deployment, job or connection",
        409: "Its state does not allow it",
        422: "The body or a parameter is wrong",
        503: "Too many changes are under way",
    }
    return {status: {"model": ErrorAnswer, "description": meanings[status]} for status in statuses}


def answer_of(refusal: Refusal, given: str | None) -> JSONResponse:
    """
    Args:
        given: the caller's own request id.
    """
    request_id = request_id_of(None if given is None else given.encode("latin-1", "replace")) or uuid7()
    error = {"code": refusal.code, "message": refusal.message, "details": refusal.details}
    headers = {"X-Request-Id": request_id}
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = str(refusal.retry_after_s)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    return JSONResponse({"error": error, "request_id": request_id}, refusal.status, headers)


def handle_errors(app: FastAPI, hint: Callable[[str], str] = lambda _: "No such path") -> None:
    """Refusals, bodies that do not fit, and what FastAPI itself refuses get that shape.

    Args:
        app: of the management API.
        hint: says of a path that is none which one may be meant.
    """

    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refusal)  # noqa: S101 - registered for it alone
        return answer_of(error, request.headers.get("x-request-id"))

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - likewise
        found = [_problem(one) for one in error.errors()]
        refusal = Refusal(422, "invalid_request", "; ".join(one["message"] for one in found), found)
        return answer_of(refusal, request.headers.get("x-request-id"))

    async def plain(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - likewise
        code, message = "refused", str(error.detail)
        if error.status_code == 404:
            code, message = "not_found", f"No such path. {hint(request.url.path)}"
        elif error.status_code == 405:
            code, message = "method_not_allowed", f"Send {(error.headers or {}).get('Allow', 'another method')} here"
        answer = answer_of(Refusal(error.status_code, code, message), request.headers.get("x-request-id"))
        answer.headers.update(error.headers or {})
        return answer

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(RequestValidationError, invalid)


def _problem(error: dict[str, Any]) -> dict[str, Any]:
    where, *path = error["loc"]
    field = ".".join(map(str, path)) or where
    return {"field": field, "message": f"{field}: {error['msg'][:1].lower()}{error['msg'][1:]}"}
