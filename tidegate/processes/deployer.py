"""`python -m tidegate.processes.deployer`: runs deployments as jobs, and serves them on a Unix socket."""

import asyncio
import contextlib
import fcntl
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog

from model_runner import watched
from storage.registry import Database, held_folders
from tidegate import monitor
from tidegate.deployer.jobs.cleaning import Cleaner, sweep_at_start
from tidegate.deployer.jobs.ledger import Ledger
from tidegate.deployer.jobs.origin import Origin
from tidegate.deployer.jobs.service import Deployer
from tidegate.deployer.jobs.socket_server import SocketServer
from tidegate.deployer.jobs.workers import Workers
from tidegate.deployer.sources.github_jobs import GithubOrigin
from tidegate.deployer.sources.pushes import PushOrigin
from tidegate.github.connections import Connections, connections_of
from tidegate.github.sealing import SealedError
from tidegate.home.garbage import garbage_of
from tidegate.logging import configure
from tidegate.parts.monitor_ports import DEPLOYER_OFFSET
from tidegate.processes import all_is_loaded
from tidegate.rollout.announcing import Announcer
from tidegate.rollout.config import rollout_config
from tidegate.settings import Settings
from tidegate.sockets import deployer_socket, make_socket_folder
from tidegate.versions.ending import remove_previews
from tidegate.web_pages import local_pages

log = structlog.get_logger()


def owner_of(settings: Settings) -> str:
    """Names this home among those that may share a registry."""
    return f"{socket.gethostname()}:{settings.home_path}"[-255:]


async def run(settings: Settings) -> int:
    """Until a signal: jobs that run are left for the next start."""
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    database = Database(settings.database_dsn)
    staging = settings.home_path / "staging"
    await asyncio.to_thread(lambda: sweep_at_start(staging, held_folders(database)))
    connections = connections_of(settings, database)
    origins: dict[str, Origin] = {"push": PushOrigin(), "github": github_origin(settings, connections)}
    ledger = Ledger(database, settings.home_path)
    bounds = settings.concurrent_builds, settings.job_timeout_s
    deployer = Deployer(ledger, Workers(), staging, origins, owner_of(settings), *bounds)
    working = watched.begin(deployer.run(), "deployer")
    keep = timedelta(days=settings.keep_days)
    cleaner = Cleaner(database, settings.home_path / "git", staging, keep, garbage_of(settings, database))
    cleaning = watched.keep(cleaner.run, "cleaning")
    announcing = watched.keep(Announcer(database, settings.bootstrap, settings.topics).run, "announcing")
    place_of = partial(github_place, connections)
    sockets = SocketServer(deployer, owner_of(settings), place_of, remover(settings, database))
    path = deployer_socket(settings.run_path)
    server = await sockets.start(path)
    health = monitor.serve(
        settings.monitor_port + DEPLOYER_OFFSET,
        lambda: ledger.trouble or (None if deployer.ready else "jobs of a former life"),
        local_pages(settings),
    )
    try:
        stop = watched.awaited(stopping.wait())
        await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
        return 0 if stopping.is_set() else 1
    finally:
        server.close()
        path.unlink(missing_ok=True)
        working.cancel()
        cleaning.cancel()
        announcing.cancel()
        await asyncio.wait({working, cleaning, announcing})
        if not working.cancelled() and (error := working.exception()) is not None:
            log.error("deployer.trouble", reason=f"{type(error).__name__}: {error}")
        health.shutdown()
        health.server_close()
        database.close()


def remover(settings: Settings, database: Database) -> Callable[[str, str, str], int]:
    """Ends the previews of a branch that is gone."""
    config = rollout_config(settings)
    return lambda workspace, model, branch: len(remove_previews(config, database, workspace, model, branch))


def github_place(connections: Connections, number: int) -> tuple[str, str] | None:
    """Workspace and model of a connection."""
    try:
        found = connections.get(number)
    except SealedError:
        # Its job says so.
        return None
    return None if found is None else (found.workspace, found.model)


def github_origin(settings: Settings, connections: Connections) -> GithubOrigin:
    return GithubOrigin(
        connections,
        settings.home_path,
        url=settings.gateway_url,
        api_url=settings.github_api_url,
        bounds=settings.folder_bounds,
        max_bytes=settings.max_push_bytes,
    )


@contextlib.contextmanager
def _alone(run_path: Path) -> Iterator[None]:
    """Two deployers of one home would both take a job. Raises BlockingIOError."""
    with (run_path / "deployer.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def main() -> int:
    all_is_loaded()
    settings = Settings()
    configure(settings.log_level)
    make_socket_folder(settings.run_path)
    settings.run_path.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with _alone(settings.run_path):
            return asyncio.run(run(settings))
    except BlockingIOError:
        log.error("deployer.not_alone", reason="another deployer of this home runs")
        return 1


if __name__ == "__main__":
    sys.exit(main())
