"""From a push to a live version: jobs, environments, previews."""

from pydantic import Field

from tidegate.deadlines import JOB_S
from tidegate.setting_groups.group import SettingGroup


class DeployingSettings(SettingGroup):
    """Each is the variable TIDEGATE_ and its name in capitals."""

    job_timeout_s: float = Field(
        default=1800.0,
        gt=0,
        le=JOB_S,
        description="Seconds that a job may hold one of the places of TIDEGATE_CONCURRENT_BUILDS, up to its switch.",
    )
    environments_mb: int = Field(
        default=10_000,
        ge=100,
        description="Megabytes for the environments of models and what was downloaded for them. Above it those that no "
        "deployment uses are removed, the least recently used first.",
    )
    environment_timeout_s: float = Field(
        default=600.0, gt=0, description="Seconds that one step of building an environment may take."
    )
    warm_runners: int = Field(
        default=1,
        ge=0,
        description="Runners of a model that lost its traffic and stay up, so that a rollback to them takes no start.",
    )
    spare_runners: int = Field(
        default=1,
        ge=0,
        le=1,
        description="Processes that are kept ready for the next push, with the usual libraries imported (200 MB): it "
        "is live up to a second earlier. They give way where there is no room beside the runners that are wanted.",
    )
    preview_hours: float = Field(
        default=72.0, gt=0, description="Hours after which the preview of a branch ends by itself."
    )
    concurrent_builds: int = Field(
        default=2, ge=1, description="Deployments that may be checked and started at the same time."
    )
    production_branch: str = Field(
        default="main", min_length=1, description="Branch whose commits go live when they are pushed."
    )
