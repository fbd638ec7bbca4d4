"""The registry: models, versions, profiles and deployments in SQL. What leaves it are plain values."""

from storage.registry.database import Database
from storage.registry.deployments import (
    create_deployment,
    deployments_of,
    fail_deployment,
    get_deployment,
    retire_deployment,
    switch_route,
)
from storage.registry.errors import (
    DeploymentStateError,
    ProfileExistsError,
    RegistryError,
    UnknownDeploymentError,
    UnknownModelError,
    UnknownVersionError,
)
from storage.registry.live import desired_runners, live_routes
from storage.registry.migrate import upgrade
from storage.registry.records import (
    DEFAULT_WORKSPACE,
    Deployment,
    DesiredRunner,
    LiveRoute,
    Model,
    Profile,
    Role,
    Status,
    Version,
)
from storage.registry.versions import create_version, get_model, get_profile, get_version, list_models, save_profile

__all__ = [
    "DEFAULT_WORKSPACE",
    "Database",
    "Deployment",
    "DeploymentStateError",
    "DesiredRunner",
    "LiveRoute",
    "Model",
    "Profile",
    "ProfileExistsError",
    "RegistryError",
    "Role",
    "Status",
    "UnknownDeploymentError",
    "UnknownModelError",
    "UnknownVersionError",
    "Version",
    "create_deployment",
    "create_version",
    "deployments_of",
    "desired_runners",
    "fail_deployment",
    "get_deployment",
    "get_model",
    "get_profile",
    "get_version",
    "list_models",
    "live_routes",
    "retire_deployment",
    "save_profile",
    "switch_route",
    "upgrade",
]
