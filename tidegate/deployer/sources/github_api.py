"""What GitHub is told of a job: a commit status and a deployment. A GitHub that does not listen changes nothing."""

import asyncio
from typing import Any

import httpx
import structlog

from model_runner.plain_text import plain

log = structlog.get_logger()

PAUSES_S = (1.0, 3.0)
"""Before the second and the third attempt."""
TIMEOUT_S = 10.0
MOST_CHARACTERS = 140
"""Of a description."""


class GithubApi:
    """The few calls that are of use."""

    def __init__(self, url: str, repository: str, token: str, pauses_s: tuple[float, ...] = PAUSES_S) -> None:
        self._pauses_s = pauses_s
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/repos/{repository}/",
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "tidegate",
            },
            timeout=TIMEOUT_S,
        )

    async def commit_status(self, commit: str, state: str, description: str, context: str, url: str) -> None:
        """`state`: pending, success, failure or error."""
        content = {"state": state, "description": _short(description), "context": context, "target_url": url}
        await self._post(f"statuses/{commit}", content)

    async def create_deployment(self, commit: str, environment: str) -> int | None:
        """Its number; None where GitHub made none."""
        content = {
            "ref": commit,
            "environment": environment,
            "auto_merge": False,
            "required_contexts": [],
            "description": "Deployed by Tidegate",
        }
        made = await self._post("deployments", content)
        return made.get("id") if isinstance(made, dict) else None

    async def deployment_status(self, deployment: int, state: str, description: str, url: str) -> None:
        """`state`: in_progress, success, failure or error."""
        content = {"state": state, "description": _short(description), "environment_url": url}
        await self._post(f"deployments/{deployment}/statuses", content)

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, path: str, content: dict[str, Any]) -> Any:
        """The answer; None where there was none, and why in the log."""
        for pause in (*self._pauses_s, None):
            try:
                answer = await self._client.post(path, json=content)
            except httpx.TransportError as error:
                reason, final = type(error).__name__, False
            else:
                if answer.is_success:
                    return answer.json()
                reason, final = f"status {answer.status_code}", not _can_pass(answer.status_code)
            if final or pause is None:
                log.warning("github.not_told", path=path, reason=reason)
                return None
            await asyncio.sleep(pause)
        return None


def _can_pass(status: int) -> bool:
    return status >= 500 or status in (408, 429)


def _short(text: str) -> str:
    return plain(text, MOST_CHARACTERS)
