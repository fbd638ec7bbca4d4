"""The flow of one deployment. Until its last stage the version that is live keeps all traffic."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy.exc import OperationalError

from gateway.routing.routes import predict_path
from model_runner.checking.check import check_model
from model_runner.checking.host import Host
from model_runner.checking.report import Report
from model_runner.disk.space import is_full, no_room
from model_runner.environment import EnvironmentBuildError
from model_runner.errors import ModelError
from model_runner.explaining.raised import in_words, own_fault
from model_runner.folder.bounds import FolderError
from model_runner.folder.manifest import Manifest, read_manifest
from model_runner.folder.schema_source import seal_inputs
from model_runner.plain_text import plain, quoted_text
from model_runner.sandbox.permissions import open_up
from storage import registry
from storage.artifacts import ArtifactError
from storage.registry import Database, Deployment, RegistryError
from tidegate.candidates.candidate import Place, candidate, settle
from tidegate.deployer.pipeline.config import DeployConfig
from tidegate.deployer.pipeline.environment import STAGE, EnvironmentStage
from tidegate.deployer.pipeline.naming import agree
from tidegate.deployer.pipeline.receiving import model_files, receive
from tidegate.deployer.pipeline.registering import describe_profile, refuse_full_store, register
from tidegate.deployer.pipeline.request import DeployRequest, Received
from tidegate.deployer.pipeline.result import Deployed, DeployError, OwnFaultError, PreparedVersion
from tidegate.deployer.pipeline.sample import sample_of
from tidegate.deployer.pipeline.stages import StageDone, StageLog
from tidegate.deployer.pipeline.switching import describe_switch, start, switch
from tidegate.rollout.engine import await_runners
from tidegate.rollout.producers import producer_for
from tidegate.rollout.publishing import PublishError
from tidegate.rollout.runner_awaiting import RunnerNotReadyError

OnStage = Callable[[StageDone], None]
OnLine = Callable[[str], None]
"""Told what a long stage is at, one line each."""
_REFUSALS = (
    FolderError,
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
    on_stage: OnStage = lambda _: None,
    on_line: OnLine = lambda _: None,
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
    producer_for(config.rollout.bootstrap, config.rollout.layout)  # ready by the time it has something to announce
    with _deploying(config, stages) as database:
        prepared = _prepare(folder, config, DeployRequest(name=name, branch=branch), database, stages, on_line)
        previous = _give_traffic(prepared.deployment, config, database, stages)
    version, deployment = prepared.version, prepared.deployment
    return Deployed(
        workspace=version.workspace,
        model=version.model,
        version=version.number,
        deployment_id=deployment.id,
        profile_id=deployment.profile_id,
        previous_version=previous,
        predict_path=predict_path(version.workspace, version.model, deployment.slug),
        preview=deployment.slug,
        stages=tuple(stages.done),
    )


def prepare(
    folder: Path,
    config: DeployConfig,
    request: DeployRequest,
    on_stage: OnStage = lambda _: None,
    on_line: OnLine = lambda _: None,
) -> PreparedVersion:
    """Everything but the switch: the version is stored, and its runner answers.

    Raises:
        DeployError: the stage that failed, why, and what to do.
    """
    stages = StageLog(on_stage)
    with _deploying(config, stages) as database:
        return _prepare(folder, config, request, database, stages, on_line)


def switch_to(deployment_id: str, config: DeployConfig, on_stage: OnStage = lambda _: None) -> int | None:
    """Give a prepared deployment the traffic once its runner answers; the number of the version that had it.

    Raises:
        DeployError: it does not answer, or has ended.
    """
    stages = StageLog(on_stage)
    stages.current = "switch"
    with _deploying(config, stages) as database:
        found = registry.get_deployment(database, deployment_id)
        await_runners([found], config.rollout, database)
        return _give_traffic(found, config, database, stages)


@contextmanager
def _deploying(config: DeployConfig, stages: StageLog) -> Iterator[Database]:
    """The registry; whatever is wrong with the model or with its surroundings becomes a DeployError."""
    database = Database(config.rollout.database_dsn)
    try:
        yield database
    except DeployError:
        raise
    except _REFUSALS as error:
        stage = error.stage if isinstance(error, ModelError) else None
        reason = no_room(error, config.staging) if is_full(error) else quoted_text(error)
        raise DeployError(stage or stages.current, reason) from error
    except (OSError, OperationalError) as error:
        reason = no_room(error, config.staging) if is_full(error) else _out_of_reach(error)
        raise DeployError(stages.current, reason) from error
    except Exception as error:  # whatever it is, who deploys is told the stage and what to do
        raise OwnFaultError(stages.current, quoted_text(own_fault(error))) from error
    finally:
        database.close()


def _out_of_reach(error: Exception) -> str:
    """A disk, a network or a database that does not do what it is there for."""
    first, *_ = in_words(error).splitlines()  # a database shows its statement below
    return f"what a deployment needs did not answer: {plain(first, 500)}. See `tidegate status`, and try again"


def _prepare(
    folder: Path, config: DeployConfig, request: DeployRequest, database: Database, stages: StageLog, on_line: OnLine
) -> PreparedVersion:
    with _own_copy(folder, config, request.received, stages) as staging:
        files = list(model_files(staging, config.bounds))
        if os.geteuid() == 0:  # then a user of its own reads it
            open_up(staging)
        stages.current = "check"
        agree(staging, request.workspace, request.name if request.workspace else None)
        deployment_id = request.deployment_id or registry.new_deployment_id()
        name = request.name or folder.resolve().name
        place = partial(_place, staging, name, request.workspace, deployment_id)
        with candidate(config.rollout.places.run_path, staging, files, place) as served:
            environment = EnvironmentStage(config.environments, config.environments_mb, database, stages, on_line)
            admit = partial(config.rollout.capacity.admit, database=database)
            report = _check(staging, name, config, stages, environment, admit, served)
            if request.workspace is not None:
                report = replace(report, manifest=replace(report.manifest, workspace=request.workspace))
            with stages.stage("profile") as detail:
                refuse_full_store(staging, files, config.artifacts_url, config.bounds.reserve_bytes)
                version, profile = register(staging, files, report, config.artifacts_url, database)
                detail.append(describe_profile(profile, report))
            sample = sample_of(report)
            with stages.stage("start") as detail:
                detail.append(settle(served, version, can_stay=report.can_stay))
                deployment = start(version, config, database, branch=request.branch, deployment_id=deployment_id)
    return PreparedVersion(version, deployment, sample)


def _place(folder: Path, name: str, workspace: str | None, deployment_id: str) -> Place:
    manifest = read_manifest(folder, name)
    return Place(deployment_id, workspace or manifest.workspace, manifest.name)


@contextmanager
def _own_copy(folder: Path, config: DeployConfig, received: Received | None, stages: StageLog) -> Iterator[Path]:
    """A folder that nobody else changes while it is checked and stored."""
    if received is not None:
        files = model_files(folder, config.bounds)
        stages.add("receive", received.seconds, f"{len(files)} files, {sum(files.values()) / 1e6:.1f} MB")
        yield folder
        return
    config.staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="deploy-", dir=config.staging) as scratch:
        with stages.stage("receive") as detail:
            files = model_files(folder, config.bounds)
            size = receive(folder, files, Path(scratch), config.bounds)
            detail.append(f"{len(files)} files, {size / 1e6:.1f} MB")
        yield Path(scratch)


def _check(
    staging: Path,
    name: str,
    config: DeployConfig,
    stages: StageLog,
    environment: EnvironmentStage,
    admit: Callable[[Manifest], None],
    host: Host,
) -> Report:
    stages.current = "check"
    report = check_model(
        staging,
        name=name,
        timeout_s=config.rollout.deadlines.load_s(None),
        on_stage=lambda stage: stages.add(
            stage.name, stage.seconds, environment.detail if stage.name == STAGE else stage.detail
        ),
        sandbox=config.sandbox,
        prepare=environment,
        admit=admit,
        host=host,
    )
    seal_inputs(staging, report.inputs)
    return report


def _give_traffic(deployment: Deployment, config: DeployConfig, database: Database, stages: StageLog) -> int | None:
    with stages.stage("switch") as detail:
        previous, untold = switch(deployment, config, database)
        detail.append(describe_switch(deployment, previous, config.rollout.warm_runners))
        detail.extend(untold)
    return previous
