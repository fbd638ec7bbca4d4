"""What a deployer of a model is told once it is live: where it answers, how to ask it, and what changed."""

import asyncio
import json
import shlex
from typing import Any

import msgspec

from gateway.routing.routes import predict_path
from model_runner.schema import schema as schema_codec
from model_runner.schema.instances import InstanceChecker
from model_runner.schema.made_up import made_up
from model_runner.schema.schema import InputSchema
from model_runner.wire.client import ClientConfig, RunnerClient
from model_runner.wire.failures import RunnerError
from storage import registry
from storage.registry import Database, Deployment, Version
from tidegate.deployer.pipeline.changes import described, movement, schema_changes
from tidegate.deployer.pipeline.config import DeployConfig
from tidegate.deployer.pipeline.result import PreparedVersion
from tidegate.deployer.pipeline.sample import Sample

TIMEOUT_S = 10.0
MOST_CHANGES = 12
MOST_EXAMPLE = 1500
"""Characters of a row that is shown."""


def closing_lines(prepared: PreparedVersion, config: DeployConfig, url: str) -> list[str]:
    """The lines below the stages."""
    version, sample = prepared.version, prepared.sample
    deployment = prepared.deployment
    address = f"{url}{predict_path(version.workspace, version.model, deployment.slug)}"
    what = "live" if deployment.branch is None else f"the preview of {deployment.branch}"
    lines = ["", f"{version.model} version {version.number} is {what}: POST {address}"]
    lines += _request(address, sample)
    compared = _compared(prepared, config)
    return [*lines, "", *compared] if compared else lines


def _request(address: str, sample: Sample) -> list[str]:
    """A request to paste; nothing where nobody knows what an instance looks like."""
    row = sample.example
    if row is None and sample.schema is not None:
        row = made_up(sample.schema)
    if row is None:
        return []
    # In ASCII: what a terminal would obey stands there as JSON writes it, and the line can be pasted.
    content = json.dumps(row, separators=(",", ":"))
    if len(content) > MOST_EXAMPLE:
        return ["", f"  (its example has {len(content):,} characters: too many to show a request)"]
    command = f"  curl -s {address} -d {shlex.quote(content)}"
    note = [] if sample.example is not None else ["  (put your values there: the repository has no row to show)"]
    return ["", command, *note]


def _compared(prepared: PreparedVersion, config: DeployConfig) -> list[str]:
    """Against the version that is live now; nothing where there is none."""
    version = prepared.version
    database = Database(config.rollout.database_dsn)
    try:
        live = registry.get_model(database, version.model, version.workspace).live
        if live is None:
            return []
        before = registry.get_version(database, version.model, live.version, version.workspace)
        if live.asleep:
            registry.note_requests(database, [live.id])
    finally:
        database.close()
    if before.sha256 == version.sha256:
        again = f"`tidegate redeploy {version.model}` starts that one anew, without a push"
        return [f"nothing changed: the files are those of version {before.number}. {again}"]
    changes = schema_changes(_schema(before), prepared.sample.schema)
    shown = [f"  {line}" for line in changes[:MOST_CHANGES]]
    if len(changes) > MOST_CHANGES:
        shown.append(f"  and {len(changes) - MOST_CHANGES} more")
    head = f"against version {before.number}:"
    inputs = [f"{head} the input schema changed", *shown] if changes else [f"{head} the same input schema"]
    return [*inputs, _moved(live, _schema(before), prepared.sample, config)]


def _schema(version: Version) -> InputSchema | None:
    if version.input_schema is None:
        return None
    return schema_codec.decode(msgspec.json.encode(version.input_schema))


def _moved(live: Deployment, schema: InputSchema | None, sample: Sample, config: DeployConfig) -> str:
    """The live version is asked for the same rows: what it would have answered is the only fair comparison."""
    if not sample.rows:
        return "predictions are not compared: there is no test_data.json and no reference"
    if schema is not None and InstanceChecker(schema).check(sample.rows) is not None:
        return f"predictions are not compared: the {sample.source} do not fit version {live.version}"
    try:
        before = asyncio.run(_ask(live, sample.rows, config))
    except (RunnerError, OverflowError) as error:
        return f"predictions are not compared: version {live.version} did not answer ({error})"
    return described(movement(before, sample.predictions), sample.source)


async def _ask(live: Deployment, rows: list[dict[str, Any]], config: DeployConfig) -> list[Any]:
    address, token = config.rollout.places.one_of(live)
    # One that slept is on its way.
    patience_s = TIMEOUT_S if live.asleep else ClientConfig.reconnect_s
    client = RunnerClient(address, ClientConfig(timeout_s=TIMEOUT_S, reconnect_s=patience_s), token)
    try:
        return (await client.predict(rows)).predictions or []
    finally:
        await client.close()
