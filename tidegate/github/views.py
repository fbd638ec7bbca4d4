"""Connections as the API and the command line show them: without their secrets."""

from gateway.github.connections import ConnectionView
from storage.registry import GithubConnection
from tidegate.github.connection import Connection

HOOK_PATH = "/hooks/github"


def view(found: GithubConnection) -> ConnectionView:
    return ConnectionView(
        id=found.id,
        repository=found.repository,
        workspace=found.workspace,
        model=found.model,
        branch=found.branch,
        path=found.path,
        clone_url=found.clone_url,
        previews=found.previews,
        has_token=found.token is not None,
        has_deploy_key=found.deploy_key is not None,
        created=found.created,
    )


def view_of_settings(own: Connection) -> ConnectionView:
    return ConnectionView(
        id=own.id,
        repository=own.repository,
        workspace=own.workspace,
        model=own.model,
        branch=own.branch,
        path=own.path,
        clone_url=None,
        previews=own.previews,
        has_token=own.token is not None,
        has_deploy_key=own.deploy_key is not None,
        created=None,
    )
