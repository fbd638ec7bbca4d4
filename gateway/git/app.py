"""The git remote as a bare ASGI application: who may, which repository, and then git itself."""

import asyncio
import re
import secrets
from collections import Counter
from functools import partial
from pathlib import Path

from gateway.edge.gate import Gate
from gateway.edge.token import bearer_of, password_of
from gateway.git.answers import ask_for_token, ask_to_wait, say
from gateway.git.backend import cgi_environment, run_backend
from gateway.git.body import Body, BodyRefusedError
from gateway.git.config import GitConfig, git_environment
from gateway.git.lfs.protocol import PREFIX as LFS_PREFIX
from gateway.git.lfs.protocol import serve_lfs
from gateway.git.lfs.store import LfsStore
from gateway.git.object_format import OfferBoth, has_format, is_empty, peeked, take_format
from gateway.git.receive.context import REFUSED, VARIABLE, HookContext, encode
from gateway.git.repositories import RepositoryError, ensure_repository
from gateway.git.room import refuse_growth
from model_runner.folder.bounds import FolderError
from model_runner.names import NAME_RULE, is_valid_name
from web.asgi import Receive, Scope, Send

PREFIX = "/git/"
_PATH = re.compile(r"/git/(?P<workspace>[^/]+)/(?P<model>[^/]+?)(?:\.git)?/(?P<rest>.+)")
_SERVICES = {"info/refs": "GET", "git-upload-pack": "POST", "git-receive-pack": "POST"}
MOST_AT_ONCE = 32
"""Requests to git at once; a push stays until its model answers."""
_HOST = re.compile(r"[A-Za-z0-9.\-_\[\]:]{1,255}")


class GitApp:
    """Everything below `/git/`."""

    def __init__(self, config: GitConfig) -> None:
        self._config = config
        self._environment = git_environment(config)
        self._gate = Gate("git")
        self._running = 0
        self._pushing: Counter[Path] = Counter()
        """Pushes that git works on, by repository."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = scope["headers"]
        entry = self._gate.enter(scope, self._config.token, password_of(headers) or bearer_of(headers))
        if not entry.accepted:
            await (ask_to_wait(send, entry.wait_s) if entry.wait_s else ask_for_token(send))
            return
        found = _PATH.fullmatch(scope["path"])
        if found is None:
            await say(send, 404, "The address of a model's repository is /git/<workspace>/<model>.git")
            return
        workspace, model, rest = found["workspace"], found["model"], found["rest"]
        for name in (workspace, model):
            if not is_valid_name(name):
                await say(send, 403, f"{name!r} cannot be a model's or a workspace's name: use {NAME_RULE}")
                return
        await self._serve(scope, receive, send, (workspace, model, rest))

    async def _serve(self, scope: Scope, receive: Receive, send: Send, place: tuple[str, str, str]) -> None:
        workspace, model, rest = place
        if rest.startswith(LFS_PREFIX):
            await self._serve_lfs(scope, receive, send, place)
            return
        if _SERVICES.get(rest) != scope["method"]:
            await say(send, 404, "This remote speaks git's smart HTTP protocol only: update your git")
            return
        if not await self._is_there(scope, send, workspace, model, rest):
            return
        if self._running >= MOST_AT_ONCE:
            await say(send, 503, f"{MOST_AT_ONCE} pushes and fetches run already: try again in a moment")
            return
        self._running += 1
        try:
            await self._run_git(scope, receive, send, place)
        except (BodyRefusedError, FolderError) as error:
            await say(send, 413 if isinstance(error, BodyRefusedError) else 507, f"✗ receive: {error}")
        finally:
            self._running -= 1

    async def _run_git(self, scope: Scope, receive: Receive, send: Send, place: tuple[str, str, str]) -> None:
        """Raises BodyRefusedError, FolderError: it is not begun."""
        workspace, model, rest = place
        repository = self._config.repository(workspace, model)
        is_push = rest == "git-receive-pack"
        announces = b"service=git-receive-pack" in scope["query_string"]
        # Asked at the announcement too: git shows the words of that answer, and only the status of the other.
        if is_push or announces:
            await asyncio.to_thread(refuse_growth, self._config, repository)
        encoding = dict(scope["headers"]).get(b"content-encoding")
        named = None if encoding is None else encoding.decode("latin-1").lower()
        body = Body(is_push=is_push, encoding=named, max_bytes=self._config.max_bytes)
        if is_push:
            receive = await self._of_its_format(repository, receive, named)
        editor = OfferBoth() if announces and is_empty(repository) else None
        context = self._context(scope, workspace, model)
        environment = {
            **self._environment,
            **cgi_environment(scope, str(self._config.root), f"/{workspace}/{model}.git/{rest}"),
            VARIABLE: encode(context),
            REFUSED: context.refused,
        }
        self._pushing[repository] += is_push
        try:
            await run_backend(environment, receive, send, body, editor)
        finally:
            self._pushing[repository] -= is_push
            self._pushing += Counter()  # forgets those with none
            Path(context.refused).unlink(missing_ok=True)  # noqa: ASYNC240 - hardly ever there, and never large

    async def _of_its_format(self, repository: Path, receive: Receive, encoding: str | None) -> Receive:
        """The request, once the repository is one that can take it. Raises BodyRefusedError."""
        if not is_empty(repository):
            return receive
        found, receive = await peeked(receive, encoding)
        if found is not None and not has_format(repository, found):
            if self._pushing[repository]:
                raise BodyRefusedError("another first push, of another object format, is on its way: push again")
            take_format(repository, found)
        return receive

    async def _serve_lfs(self, scope: Scope, receive: Receive, send: Send, place: tuple[str, str, str]) -> None:
        """Large files come before the push that names them: a first one makes the repository as well."""
        workspace, model, rest = place
        if not await self._is_there(scope, send, workspace, model, "git-receive-pack"):
            return
        await serve_lfs(
            scope,
            receive,
            send,
            rest=rest.removeprefix(LFS_PREFIX),
            store=LfsStore(self._config.repository(workspace, model)),
            address=f"{base_url(scope)}{PREFIX}{workspace}/{model}.git/{LFS_PREFIX}",
            max_bytes=self._config.max_bytes,
            room=partial(refuse_growth, self._config, self._config.repository(workspace, model)),
        )

    async def _is_there(self, scope: Scope, send: Send, workspace: str, model: str, rest: str) -> bool:
        """Whether the repository exists; a push makes it."""
        if rest == "git-receive-pack" or b"service=git-receive-pack" in scope["query_string"]:
            try:
                await ensure_repository(self._config, workspace, model)
            except (RepositoryError, OSError) as error:
                await say(send, 500, str(error))
                return False
        elif not self._config.repository(workspace, model).is_dir():
            await say(send, 404, f"No repository of {model!r} in workspace {workspace!r}: the first push makes it")
            return False
        return True

    def _context(self, scope: Scope, workspace: str, model: str) -> HookContext:
        return HookContext(
            workspace=workspace,
            model=model,
            branch=self._config.branch,
            deployer=str(self._config.deployer),
            staging=str(self._config.staging),
            refused=str(self._config.staging / f"push-{secrets.token_hex(8)}.refused"),
            url=base_url(scope),
            bounds=self._config.bounds,
        )


def base_url(scope: Scope) -> str:
    """Where the client sees this gateway."""
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    if not _HOST.fullmatch(host):
        address, port = scope.get("server") or ("127.0.0.1", 8700)
        host = f"{address}:{port}"
    return f"{scope.get('scheme', 'http')}://{host}"
