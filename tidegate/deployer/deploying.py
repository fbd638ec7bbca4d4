"""The flow of one deployment. Until its last stage the version that is live keeps all traffic."""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from model_runner.errors import ModelError
from model_runner.schema_source import SEAL_FILE, seal_inputs
from model_runner.validation import Report, check_model
from storage import registry
from storage.artifacts import ArtifactError, put
from storage.registry import Database, Deployment, RegistryError, Status, Version
from stream.profile import Profile
from stream.profiles.codec import encode_profile
from stream.topics import TopicLayout
from tidegate.deployer.manifest_values import manifest_values
from tidegate.deployer.profiling import reference_profile
from tidegate.deployer.publishing import PublishError, publish, record_of
from tidegate.deployer.receiving import ReceiveError, model_files, receive
from tidegate.deployer.stages import StageDone, StageLog
from tidegate.deployer.waiting import RunnerNotReadyError, await_runner


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
    bootstrap: str
    layout: TopicLayout
    runner_start_timeout_s: float


@dataclass(frozen=True)
class Deployed:
    """What went live."""

    workspace: str
    model: str
    version: int
    deployment_id: str
    profile_id: str | None
    previous_version: int | None
    stages: tuple[StageDone, ...]


def deploy(
    folder: Path,
    config: DeployConfig,
    *,
    name: str | None = None,
    on_stage: Callable[[StageDone], None] = lambda _: None,
) -> Deployed:
    """Put a model folder into service.

    Args:
        folder: holds the model file and what belongs to it.
        name: the model's name where tidegate.toml gives none; the folder's by default.
        on_stage: called after each stage.

    Raises:
        DeployError: the stage that failed, why, and what to do.
    """
    stages = StageLog(on_stage)
    database = Database(config.database_dsn)
    try:
        return _deploy(folder, config, name, database, stages)
    except (ReceiveError, ModelError, ArtifactError, RegistryError, PublishError, RunnerNotReadyError) as error:
        raise DeployError(stages.current, str(error)) from error
    finally:
        database.close()


def _deploy(folder: Path, config: DeployConfig, name: str | None, database: Database, stages: StageLog) -> Deployed:
    config.staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="deploy-", dir=config.staging) as scratch:
        staging = Path(scratch)
        with stages.stage("receive") as detail:
            files = model_files(folder)
            detail.append(f"{len(files)} files, {receive(folder, files, staging) / 1e6:.1f} MB")
        report = _check(staging, name or folder.resolve().name, config, stages)
        with stages.stage("profile") as detail:
            version, profile = _register(staging, files, report, config, database)
            detail.append(_describe(profile, report))
    with stages.stage("start"):
        deployment = _start(version, profile, config, database)
    with stages.stage("switch") as detail:
        previous = _switch(deployment, config, database)
        detail.append(f"version {version.number} is live" + (f", {previous} stays warm" if previous else ""))
    return Deployed(
        workspace=version.workspace,
        model=version.model,
        version=version.number,
        deployment_id=deployment.id,
        profile_id=None if profile is None else profile.id,
        previous_version=previous,
        stages=tuple(stages.done),
    )


def _check(staging: Path, name: str, config: DeployConfig, stages: StageLog) -> Report:
    stages.current = "check"
    report = check_model(
        staging,
        name=name,
        timeout_s=config.runner_start_timeout_s,
        on_stage=lambda stage: stages.add(stage.name, stage.seconds, stage.detail),
    )
    seal_inputs(staging, report.inputs)
    return report


def _register(
    staging: Path, files: list[str], report: Report, config: DeployConfig, database: Database
) -> tuple[Version, Profile | None]:
    """Store the files, then the rows that name them."""
    artifact = put(staging, [*files, SEAL_FILE], config.artifacts_url)
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


def _start(version: Version, profile: Profile | None, config: DeployConfig, database: Database) -> Deployment:
    """Announce it, and wait for its runner.

    Raises:
        PublishError, RunnerNotReadyError: then the deployment is marked as failed.
    """
    deployment = registry.create_deployment(database, version.id, profile_id=None if profile is None else profile.id)
    try:
        publish(config.bootstrap, config.layout, [record_of(database, deployment, "live", datetime.now(UTC))])
        asyncio.run(await_runner(config.run_path, deployment.id, config.runner_start_timeout_s))
    except BaseException as error:
        registry.fail_deployment(database, deployment.id, str(error) or type(error).__name__)
        raise
    return deployment


def _switch(deployment: Deployment, config: DeployConfig, database: Database) -> int | None:
    """Give it the traffic; the number of the version that had it."""
    before = registry.deployments_of(database, deployment.model, deployment.workspace)
    registry.switch_route(database, deployment.id)
    after = {d.id: d for d in registry.deployments_of(database, deployment.model, deployment.workspace)}
    now = datetime.now(UTC)
    ended = [after[d.id] for d in before if d.status is not Status.RETIRED and after[d.id].status is Status.RETIRED]
    publish(config.bootstrap, config.layout, [record_of(database, d, "retired", now) for d in ended])
    return next((d.version for d in before if d.status is Status.LIVE and d.role is deployment.role), None)


def _describe(profile: Profile | None, report: Report) -> str:
    if profile is None:
        return f"no reference: the first {report.manifest.baseline_rows} events become it"
    return f"{profile.n_rows:,} rows, {len(profile.features)} series"
