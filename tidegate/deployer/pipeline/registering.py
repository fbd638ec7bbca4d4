"""Stores what was checked: the files, then the rows of the registry that name them."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from model_runner.checking.report import Report
from model_runner.errors import ModelError
from model_runner.folder.bounds import refuse_without_room
from model_runner.folder.schema_source import SEAL_FILE
from storage import registry
from storage.artifact_removal import local_store
from storage.artifacts import put
from storage.registry import Database, Version
from stream.profiles.codec import encode_profile
from stream.profiles.hour_histogram import HOURS
from stream.profiles.hours import MIN_HOUR_ROWS
from stream.profiles.profile import Profile
from tidegate.deployer.pipeline.announceable import DoesNotFitError, check_fits, check_unknown
from tidegate.deployer.pipeline.environment import lock_files
from tidegate.deployer.pipeline.manifest_values import manifest_values
from tidegate.deployer.pipeline.profiling import reference_profile, watched_features


def refuse_full_store(staging: Path, files: list[str], artifacts_url: str, reserve_bytes: int) -> None:
    """Before the copy for the store: its disk may be another one, or has filled up while the model was checked.

    Raises:
        FolderError: it has no room.
    """
    store = local_store(artifacts_url)
    if store is not None:
        refuse_without_room(store, sum((staging / name).stat().st_size for name in files), reserve_bytes)


def register(
    staging: Path, files: list[str], report: Report, artifacts_url: str, database: Database
) -> tuple[Version, Profile | None]:
    """The version of these files, new unless an attempt at the same ones failed before; and its profile.

    Raises:
        ModelError: the reference cannot be profiled, or its profile is too large.
        ArtifactError, RegistryError: it cannot be stored.
    """
    artifact = put(staging, [*files, SEAL_FILE, *lock_files(staging)], artifacts_url)
    manifest = report.manifest
    version = registry.unused_version(database, manifest.name, artifact.sha256, manifest.workspace)
    version = version or registry.create_version(
        database,
        manifest.name,
        workspace=manifest.workspace,
        artifact_url=artifact.url,
        sha256=artifact.sha256,
        format=manifest.model_file.suffix.removeprefix("."),
        input_schema=msgspec.to_builtins(report.inputs.schema),
        manifest=manifest_values(report),
    )
    profile = _profile(report, version)
    if profile is not None:
        content = msgspec.json.decode(encode_profile(profile))
        _check(report, lambda: check_fits(profile, content, watched_features(report)))
        registry.save_profile(database, version.id, profile.id, content, n_rows=profile.n_rows, source=profile.source)
    else:
        _check(report, lambda: check_unknown(watched_features(report)))
    return version, profile


def _check(report: Report, check: Callable[[], None]) -> None:
    try:
        check()
    except DoesNotFitError as error:
        file = report.reference.file if report.reference else report.manifest.model_file.name
        raise ModelError(file, error.problem, error.fix) from error


def _profile(report: Report, version: Version) -> Profile | None:
    try:
        return reference_profile(report, version.model, version.number)
    except ValueError as error:
        file = report.reference.file if report.reference else "reference"
        raise ModelError(file, f"cannot be profiled: {error}", "Correct it, or deploy without it") from error


def describe_profile(profile: Profile | None, report: Report) -> str:
    """What is said of it beside the stage."""
    if profile is None:
        return f"no reference: UNWATCHED until the first {report.manifest.baseline_rows} events, which become it"
    described = f"{profile.n_rows:,} rows, {len(profile.features)} series"
    if isinstance(profile.hours, msgspec.UnsetType):
        return described
    return f"{described}; {len(profile.hours)} of {HOURS} hours of day have {MIN_HOUR_ROWS} rows or more"
