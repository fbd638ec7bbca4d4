"""`python -m tidegate.processes.gateway`: predictions and the management API over HTTP."""

import argparse
import logging
import sys

import uvicorn

from gateway.app import create_app
from gateway.config import GatewayConfig
from gateway.data_plane.inference import RequestLimits
from gateway.edge.descriptors import room_for
from gateway.edge.token import Token, TokenError, load_or_make
from gateway.emission.acked_log import AckedLog
from gateway.emission.producing import ProducerConfig
from gateway.git.app import PREFIX, GitApp
from gateway.git.config import GitConfig
from gateway.git.repositories import write_hooks
from gateway.github.connections import github_connections_router
from gateway.github.hook_connection import GithubConfig
from gateway.github.webhook import github_router
from gateway.management.jobs import jobs_router
from gateway.routing.waking import WakingConfig
from model_runner.wire.client import ClientConfig
from storage.registry import Database
from stream.contracts.topics import Topic
from tidegate.github.connections import connections_of
from tidegate.logging import calm_handler
from tidegate.management.github import GithubConnections
from tidegate.management.jobs import JobsOfRegistry
from tidegate.management.versions import VersionsApi
from tidegate.parts.exit_codes import EXIT_SETTINGS
from tidegate.processes import all_is_loaded
from tidegate.registry_routes import RegistryRouteSource
from tidegate.rollout.config import rollout_config
from tidegate.runner_places import token_source
from tidegate.settings import Settings
from tidegate.sockets import deployer_socket, socket_base
from tidegate.web_pages import gateway_pages, prediction_pages
from web.connection_limits import ConnectionLimits
from web.connections import bounded


def gateway_config(settings: Settings) -> GatewayConfig:
    """The settings as the gateway takes them."""
    return GatewayConfig(
        producer=ProducerConfig(
            bootstrap=settings.bootstrap,
            topic=settings.topics.name(Topic.EVENTS),
            buffer_bytes=settings.emit_buffer_bytes,
        ),
        limits=RequestLimits(
            max_bytes=settings.max_request_bytes,
            max_instances=settings.max_instances,
            body_buffer_bytes=settings.body_buffer_bytes,
        ),
        runner=ClientConfig(queue=settings.runner_queue, timeout_s=settings.runner_timeout_s),
        waking=WakingConfig(queue=settings.wake_queue, timeout_s=settings.wake_timeout_s),
        pages=gateway_pages(settings),
        cors=prediction_pages(settings),
        emit_linger_s=settings.emit_linger_ms / 1000,
        flush_s=settings.stop_timeout_s / 2,
    )


def connection_limits(settings: Settings) -> ConnectionLimits:
    """The settings as the server takes them; fewer connections where there are too few descriptors for so many."""
    return ConnectionLimits(
        most=room_for(settings.max_connections),
        head_s=settings.head_timeout_s,
        body_s=settings.body_timeout_s,
        keep_alive_s=settings.keep_alive_s,
    )


def git_config(settings: Settings, token: Token) -> GitConfig:
    """The settings as the git remote takes them."""
    return GitConfig(
        root=settings.home_path / "git",
        staging=settings.home_path / "staging",
        deployer=deployer_socket(settings.run_path),
        token=token,
        branch=settings.production_branch,
        max_bytes=settings.max_push_bytes,
        bounds=settings.folder_bounds,
        max_repository_bytes=settings.max_repository_bytes,
    )


def github_config(settings: Settings) -> GithubConfig:
    """Where the webhook looks for the connections of a repository."""
    source = connections_of(settings, Database(settings.database_dsn))
    return GithubConfig(source, deployer_socket(settings.run_path))


def main() -> int:
    """Exit code 0 after SIGTERM: requests answered, events flushed; 2 when the token's file cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m tidegate.processes.gateway", description=__doc__)
    parser.parse_args()
    all_is_loaded()
    settings = Settings()
    handler = calm_handler("%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    try:
        token = load_or_make(settings.token_path)
    except TokenError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_SETTINGS
    git = git_config(settings, token)
    write_hooks(git)
    versions = VersionsApi(rollout_config(settings))
    routes = RegistryRouteSource(settings.database_dsn, socket_base(settings.run_path), token_source(settings))
    jobs = JobsOfRegistry(settings.database_dsn, deployer_socket(settings.run_path))
    app = create_app(
        gateway_config(settings),
        routes,
        activity=routes,
        routers=[
            github_router(github_config(settings)),
            github_connections_router(GithubConnections(settings)),
            jobs_router(jobs),
        ],
        mounts={PREFIX: GitApp(git)},
        token=token,
        versions=versions,
        background=(versions.sweep_for_ever,),
        on_acked=None if settings.acked_log is None else AckedLog(settings.acked_log),
    )
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.gateway_port,
        loop="uvloop",
        http=bounded(connection_limits(settings)),
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=int(settings.stop_timeout_s / 2) or 1,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
