"""The flow of one deployment. Until its last stage the version that is live keeps all traffic."""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gateway.routes import predict_path
from model_runner.environment import EnvironmentBuildError, Store
from model_runner.errors import ModelError
from model_runner.schema_source import SEAL_FILE, seal_inputs
from model_runner.validation import Report, check_model
from storage import registry
from storage.artifacts import ArtifactError, put
from storage.registry import Database, Deployment, RegistryError, Role, Status, Version
from stream.hour_histogram import HOURS
from stream.profile import Profile
from stream.profiles.codec import encode_profile
from stream.profiles.hours import MIN_HOUR_ROWS
from stream.topics import TopicLayout
from tidegate.deployer.environment import STAGE, EnvironmentStage, lock_files
from tidegate.deployer.manifest_values import manifest_values
from tidegate.deployer.profiling import reference_profile
from tidegate.deployer.publishing import PublishError, changes, publish, publish_changes, record_of
from tidegate.deployer.receiving import ReceiveError, model_files, receive
from tidegate.deployer.routing import await_route
from tidegate.deployer.stages import StageDone, StageLog
from tidegate.deployer.waiting import RunnerNotReadyError, await_runner

ROUTE_S = 10.0
"""A gateway asks for changes every half second; one that does not answer in this time is in trouble of its own."""


class DeployError(Exception):
    """A deployment that did not go live; the previous version still serves."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason


@dataclass(frozen=True)
class DeployConfig:
    database_dsn: str
    artifacts_url: str
    staging: Path
    """Folder for the copy that is checked."""
    run_path: Path
    gateway_url: str
    bootstrap: str
    layout: TopicLayout
    runner_start_timeout_s: float
    environments: Store
    environments_mb: int
    """What the environments may take before those that nothing uses are removed."""
    warm_runners: int = registry.WARM_KEPT
    preview_lifetime: timedelta = timedelta(hours=72)


@dataclass(frozen=True)
class Deployed:
    """What went live."""

    workspace: str
    model: str
    version: int
    deployment_id: str
    profile_id: str | None
    previous_version: int | None
    predict_path: str
    """Of the gateway's URL."""
    preview: str | None
    """The branch as it stands in the preview's URL; None for production."""
    stages: tuple[StageDone, ...]


_REFUSALS = (
    ReceiveError,
    ModelError,
    EnvironmentBuildError,
    ArtifactError,
    RegistryError,
    PublishError,
    RunnerNotReadyError,
)


def deploy(
    folder: Path,
    config: DeployConfig,
    *,
    name: str | None = None,
    branch: str | None = None,
    on_stage: Callable[[StageDone], None] = lambda _: None,
    on_line: Callable[[str], None] = lambda _: None,
) -> Deployed:
    """Put a model folder into service.

    Args:
        folder: holds the model file and what belongs to it.
        name: the model's name where tidegate.toml gives none; the folder's by default.
        branch: make it the preview of this branch; None puts it into production.
        on_stage: called after each stage.
        on_line: called with what a long stage is at, one line each.

    Raises:
        DeployError: the stage that failed, why, and what to do.
    """
    stages = StageLog(on_stage)
    database = Database(config.database_dsn)
    try:
        return _deploy(folder, config, name, branch, database, stages, on_line)
    except _REFUSALS as error:
        raise DeployError(stages.current, str(error)) from error
    finally:
        database.close()


def _deploy(
    folder: Path,
    config: DeployConfig,
    name: str | None,
    branch: str | None,
    database: Database,
    stages: StageLog,
    on_line: Callable[[str], None],
) -> Deployed:
    config.staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="deploy-", dir=config.staging) as scratch:
        staging = Path(scratch)
        with stages.stage("receive") as detail:
            files = model_files(folder)
            detail.append(f"{len(files)} files, {receive(folder, files, staging) / 1e6:.1f} MB")
        environment = EnvironmentStage(config.environments, config.environments_mb, database, stages, on_line)
        report = _check(staging, name or folder.resolve().name, config, stages, environment)
        with stages.stage("profile") as detail:
            version, profile = _register(staging, files, report, config, database)
            detail.append(_describe(profile, report))
    with stages.stage("start"):
        deployment = _start(version, profile, branch, config, database)
    with stages.stage("switch") as detail:
        previous, untold = _switch(deployment, config, database)
        detail.append(_describe_switch(deployment, previous, config))
        detail.extend(untold)
        trouble = await_route(config.gateway_url, deployment.id, ROUTE_S)
        if trouble is not None:
            detail.append(f"the gateway does not send it traffic yet ({trouble}): see `tidegate logs gateway`")
    return Deployed(
        workspace=version.workspace,
        model=version.model,
        version=version.number,
        deployment_id=deployment.id,
        profile_id=None if profile is None else profile.id,
        previous_version=previous,
        predict_path=predict_path(version.workspace, version.model, deployment.slug),
        preview=deployment.slug,
        stages=tuple(stages.done),
    )


def _check(staging: Path, name: str, config: DeployConfig, stages: StageLog, environment: EnvironmentStage) -> Report:
    stages.current = "check"
    report = check_model(
        staging,
        name=name,
        timeout_s=config.runner_start_timeout_s,
        on_stage=lambda stage: stages.add(stage.name, stage.seconds, environment.detail if stage.name == STAGE else ""),
        prepare=environment,
    )
    seal_inputs(staging, report.inputs)
    return report


def _register(
    staging: Path, files: list[str], report: Report, config: DeployConfig, database: Database
) -> tuple[Version, Profile | None]:
    """Store the files, then the rows that name them."""
    artifact = put(staging, [*files, SEAL_FILE, *lock_files(staging)], config.artifacts_url)
    manifest = report.manifest
    version = registry.create_version(
        database,
        manifest.name,
        workspace=manifest.workspace,
        artifact_url=artifact.url,
        sha256=artifact.sha256,
        format=manifest.model_file.suffix.removeprefix("."),
        input_schema=msgspec.to_builtins(report.inputs.schema),
        manifest=manifest_values(report),
    )
    try:
        profile = reference_profile(report, manifest.name, version.number)
    except ValueError as error:
        file = report.reference.file if report.reference else "reference"
        raise ModelError(file, f"cannot be profiled: {error}", "Correct it, or deploy without it") from error
    if profile is not None:
        content = msgspec.json.decode(encode_profile(profile))
        registry.save_profile(database, version.id, profile.id, content, n_rows=profile.n_rows, source=profile.source)
    return version, profile


def _start(
    version: Version, profile: Profile | None, branch: str | None, config: DeployConfig, database: Database
) -> Deployment:
    """Announce it, and wait for its runner.

    Raises:
        PublishError, RunnerNotReadyError: then the deployment is marked as failed.
    """
    deployment = registry.create_deployment(
        database,
        version.id,
        role=Role.PRIMARY if branch is None else Role.PREVIEW,
        profile_id=None if profile is None else profile.id,
        branch=branch,
        expires=None if branch is None else datetime.now(UTC) + config.preview_lifetime,
    )
    try:
        publish(config.bootstrap, config.layout, [record_of(database, deployment, "live", datetime.now(UTC))])
        asyncio.run(
            await_runner(
                config.run_path,
                deployment.id,
                config.runner_start_timeout_s,
                lambda: registry.get_deployment(database, deployment.id).status in registry.WITH_RUNNER,
            )
        )
    except BaseException as error:
        registry.fail_deployment(database, deployment.id, str(error) or type(error).__name__)
        raise
    return deployment


def _switch(deployment: Deployment, config: DeployConfig, database: Database) -> tuple[int | None, list[str]]:
    """Give it the traffic (a preview: its URL); the number of the version that had it, and what went wrong beside."""
    before = registry.deployments_of(database, deployment.model, deployment.workspace)
    registry.switch_route(database, deployment.id, keep_warm=config.warm_runners)
    after = registry.deployments_of(database, deployment.model, deployment.workspace)
    told = changes(database, before, after, datetime.now(UTC))
    untold = []
    try:
        publish_changes(config.bootstrap, config.layout, told)
    except PublishError as error:
        # It is live: that is not to be taken back because nobody could be told.
        untold.append(str(error))
    same = (
        d.version for d in before if d.status is Status.LIVE and (d.role, d.slug) == (deployment.role, deployment.slug)
    )
    return next(same, None), untold


def _describe_switch(deployment: Deployment, previous: int | None, config: DeployConfig) -> str:
    if deployment.branch is not None:
        return f"version {deployment.version} is the preview of {deployment.branch}"
    kept = f", {previous} stays warm" if previous and config.warm_runners else ""
    return f"version {deployment.version} is live{kept}"


def _describe(profile: Profile | None, report: Report) -> str:
    if profile is None:
        return f"no reference: the first {report.manifest.baseline_rows} events become it"
    described = f"{profile.n_rows:,} rows, {len(profile.features)} series"
    if isinstance(profile.hours, msgspec.UnsetType):
        return described
    return f"{described}; {len(profile.hours)} of {HOURS} hours of day have {MIN_HOUR_ROWS} rows or more"
