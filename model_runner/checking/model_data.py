"""The data files of a model folder, read and scanned in sandboxes of their own before anything of it runs."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from model_runner import watched
from model_runner.checking.processes import make_room, read_files, scan
from model_runner.checking.report import StopWatch
from model_runner.checking.request import CheckRequest, confinement_of
from model_runner.folder.manifest import Manifest
from model_runner.folder.reference import Reference
from model_runner.folder.schema_source import ModelInputs, inputs_from
from model_runner.folder.settling import as_settled
from model_runner.folder.test_rows import TestRows
from model_runner.sandbox.plan import Confinement


@dataclass(frozen=True)
class ModelData:
    """What the data files of a model folder say."""

    manifest: Manifest
    test: TestRows | None
    reference: Reference | None
    inputs: ModelInputs
    """As far as the files say."""


async def read_and_scan(
    scratch: Path, folder: Path, manifest: Manifest, request: CheckRequest, watch: StopWatch
) -> ModelData:
    """Side by side, each in a sandbox of its own: neither runs any of the model's code."""
    confined = [confinement_of(manifest, request.sandbox, request.timeout_s) for _ in range(2)]
    scanning = watched.awaited(scan(make_room(scratch / "scan", folder, confined[0])))
    reading = watched.awaited(_read(scratch / "read", folder, manifest, confined[1]))
    try:
        files = await reading
        watch.lap("check", "; ".join(files.reference.notes if files.reference else ()))
        await scanning
        watch.lap("scan")
    finally:
        for task in (scanning, reading):
            task.cancel()
        await asyncio.wait({scanning, reading})
    return files


async def _read(scratch: Path, folder: Path, manifest: Manifest, confinement: Confinement) -> ModelData:
    blamed = manifest.reference_file or manifest.test_file
    if blamed is None:
        return ModelData(manifest, None, None, inputs_from(manifest, None, None, None))
    found = await read_files(make_room(scratch, folder, confinement), blamed.name)
    return ModelData(manifest, found.test, found.reference, found.inputs)


def settled(files: ModelData, inputs: ModelInputs) -> ModelData:
    """Without what the model was not fitted on."""
    test = files.test and replace(files.test, rows=as_settled(files.test.rows, inputs.schema))
    return replace(files, test=test, reference=files.reference and files.reference.settled(inputs.schema))
