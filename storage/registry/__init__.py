"""The registry: models, versions, profiles and deployments in SQL. What leaves it are plain values."""

from storage.registry.database import Database
from storage.registry.deployments import (
    cancel_deployment,
    create_deployment,
    deployments_of,
    fail_deployment,
    get_deployment,
    retire_deployment,
)
from storage.registry.errors import (
    DeploymentStateError,
    ProfileExistsError,
    RegistryError,
    RouteChangedError,
    UnknownDeploymentError,
    UnknownModelError,
    UnknownVersionError,
)
from storage.registry.history import abandoned, before_the_live_one, expired_previews, newest_served, with_share
from storage.registry.live import desired_runners, live_routes
from storage.registry.migrate import upgrade
from storage.registry.previews import branch_slug
from storage.registry.records import (
    DEFAULT_WORKSPACE,
    PRODUCTION,
    WITH_RUNNER,
    Deployment,
    DesiredRunner,
    LiveRoute,
    Model,
    Profile,
    Role,
    Status,
    Version,
)
from storage.registry.traffic import WARM_KEPT, end_shadow, make_shadow, set_traffic, shares_of, switch_route
from storage.registry.versions import create_version, get_model, get_profile, get_version, list_models, save_profile

__all__ = [
    "DEFAULT_WORKSPACE",
    "PRODUCTION",
    "WARM_KEPT",
    "WITH_RUNNER",
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
    "RouteChangedError",
    "Status",
    "UnknownDeploymentError",
    "UnknownModelError",
    "UnknownVersionError",
    "Version",
    "abandoned",
    "before_the_live_one",
    "branch_slug",
    "cancel_deployment",
    "create_deployment",
    "create_version",
    "deployments_of",
    "desired_runners",
    "end_shadow",
    "expired_previews",
    "fail_deployment",
    "get_deployment",
    "get_model",
    "get_profile",
    "get_version",
    "list_models",
    "live_routes",
    "make_shadow",
    "newest_served",
    "retire_deployment",
    "save_profile",
    "set_traffic",
    "shares_of",
    "switch_route",
    "upgrade",
    "with_share",
]
