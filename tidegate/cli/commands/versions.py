"""The commands about versions and deployments. They work on the registry, as the deployer does, not via the gateway."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tidegate.cli.context import HEAL, load_settings, open_registry, require_running, warn
from tidegate.cli.exits import CliError, Exit
from tidegate.cli.output import console, print_json, print_list, print_table, rows_left_out, tell_unreadable
from tidegate.settings import Settings

if TYPE_CHECKING:
    from gateway.management.contract import DeploymentView
    from storage.registry import Database
    from tidegate.rollout.change import Change
    from tidegate.rollout.config import RolloutConfig

WORKSPACE = "default"
ENDED = ("retired", "failed", "cancelled")


def list_deployments(model: str, *, every: bool, as_json: bool) -> None:
    from storage.registry import deployments_of, require_model  # noqa: PLC0415
    from tidegate.management.views import deployment_view  # noqa: PLC0415

    settings = load_settings()
    with open_registry(settings) as database:
        require_model(database, model)
        unreadable = rows_left_out()
        found = [deployment_view(one) for one in deployments_of(database, model, unreadable=unreadable)]
    tell_unreadable(unreadable, HEAL)
    shown = [one for one in found if every or one.status not in ENDED]
    if as_json:
        print_list("deployments", [one.model_dump(mode="json") for one in shown], unreadable)
    elif shown:
        print_table(["deployment", "#version", "role", "#share", "state", "since", ""], map(_row, shown))
    elif not unreadable:
        console().print(f"No deployment of {model} runs; `tidegate deployments {model} --all` shows those that ended.")


def rollback(model: str, version: str | None, *, as_json: bool) -> None:
    from tidegate.versions import operations  # noqa: PLC0415

    number = None if version is None else parse_version(version)
    _change(lambda config, database: operations.rollback(config, database, WORKSPACE, model, number), as_json)


def promote(model: str, version: str | None, *, as_json: bool) -> None:
    from tidegate.versions import operations  # noqa: PLC0415

    number = None if version is None else parse_version(version)
    _change(lambda config, database: operations.promote(config, database, WORKSPACE, model, number), as_json)


def redeploy(model: str, version: str | None, *, as_json: bool) -> None:
    from tidegate.versions import operations  # noqa: PLC0415

    number = None if version is None else parse_version(version)
    _change(lambda config, database: operations.redeploy(config, database, WORKSPACE, model, number), as_json)


def traffic(model: str, shares: Sequence[str], *, as_json: bool) -> None:
    from tidegate.versions import operations  # noqa: PLC0415

    weights = parse_shares(shares)
    _change(lambda config, database: operations.traffic(config, database, WORKSPACE, model, weights), as_json)


def shadow(model: str, version: str | None, *, off: bool, as_json: bool) -> None:
    from tidegate.versions import operations  # noqa: PLC0415

    number = None if version is None else parse_version(version)
    if off:
        _change(lambda config, database: operations.end_shadow(config, database, WORKSPACE, model, number), as_json)
        return
    if number is None:
        raise CliError("Name the version that gets the copies, such as v8 (or end them with --off).", Exit.USAGE)
    _change(lambda config, database: operations.shadow(config, database, WORKSPACE, model, number), as_json)


def scale(model: str, replicas: int, version: str | None, *, as_json: bool) -> None:
    from tidegate.versions import operations  # noqa: PLC0415

    number = None if version is None else parse_version(version)
    _change(lambda config, database: operations.scale(config, database, WORKSPACE, model, replicas, number), as_json)


def cancel(deployment: str, *, as_json: bool) -> None:
    from tidegate.management.views import deployment_view  # noqa: PLC0415
    from tidegate.rollout.config import rollout_config  # noqa: PLC0415
    from tidegate.versions import ending  # noqa: PLC0415

    settings = load_settings()
    with _registry(settings) as database:
        found = deployment_view(ending.cancel(rollout_config(settings), database, deployment))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        console().print(f"Deployment {found.id} ({found.model} version {found.version}) is cancelled.", markup=False)


def parse_version(text: str) -> int:
    """`7` or `v7`.

    Raises:
        CliError: it is something else.
    """
    digits = text.removeprefix("v")
    if not (digits.isascii() and digits.isdigit() and int(digits)):
        raise CliError(f"{text!r} is no version: give its number, such as 7 or v7.", Exit.USAGE)
    return int(digits)


def parse_shares(texts: Sequence[str]) -> dict[int, float]:
    """`v7=90 v6=10` as weights by version.

    Raises:
        CliError: one is something else, negative, or named twice.
    """
    weights: dict[int, float] = {}
    for text in texts:
        name, equals, weight = text.partition("=")
        try:
            value = float(weight.removesuffix("%"))
        except ValueError:
            value = -1.0
        if not equals or not 0 <= value < float("inf"):
            raise CliError(f"{text!r} is no share: write VERSION=WEIGHT, such as v7=90.", Exit.USAGE)
        version = parse_version(name)
        if version in weights:
            raise CliError(f"Version {version} is named twice.", Exit.USAGE)
        weights[version] = value
    if not any(weights.values()):
        raise CliError("Somebody must have the traffic: give at least one weight above 0.", Exit.USAGE)
    return weights


def _change(plan: "Callable[[RolloutConfig, Database], Change]", as_json: bool) -> None:
    """Plan it, wait for the runners that it needs, carry it out, say what came of it."""
    from tidegate.management.views import changed_view  # noqa: PLC0415
    from tidegate.rollout.config import rollout_config  # noqa: PLC0415
    from tidegate.rollout.engine import carry_out  # noqa: PLC0415
    from tidegate.rollout.publishing import PublishError  # noqa: PLC0415
    from tidegate.rollout.runner_awaiting import RunnerNotReadyError  # noqa: PLC0415

    settings = load_settings()
    require_running(settings)
    config = rollout_config(settings)
    with _registry(settings) as database:
        change = plan(config, database)
        if change.waits_for and not as_json:
            names = ", ".join(f"version {found.version} ({found.id})" for found in change.waits_for)
            console().print(f"Waiting for the runner of {names} …", style="dim", highlight=False)
        try:
            done = carry_out(change, config, database)
        except (PublishError, RunnerNotReadyError) as error:
            raise CliError(f"{error}\nNothing was switched: what was live still is.") from error
        view = changed_view(database, change, done=True, warnings=done.warnings)
    if as_json:
        print_json(view.model_dump(mode="json"))
        return
    for warning in view.warnings:
        warn(warning)
    console().print(f"{view.summary}.", highlight=False, markup=False)


@contextmanager
def _registry(settings: Settings) -> "Iterator[Database]":
    """The registry, its refusals as errors of the command."""
    from storage.registry import (  # noqa: PLC0415
        DeploymentStateError,
        RouteChangedError,
        UnknownDeploymentError,
        UnknownVersionError,
    )

    with open_registry(settings) as database:
        try:
            yield database
        except (UnknownVersionError, UnknownDeploymentError) as error:
            raise CliError(_sentence(error), Exit.UNKNOWN) from error
        except (DeploymentStateError, RouteChangedError, ValueError) as error:
            raise CliError(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _row(found: "DeploymentView") -> tuple[Any, ...]:
    from tidegate.versions.wording import percent  # noqa: PLC0415

    since = found.retired_at or found.live_at or found.created
    share = percent(found.weight) if found.role in ("primary", "canary") and found.status == "live" else ""
    return found.id, found.version, found.role, share, found.status, f"{since:%Y-%m-%d %H:%M:%S}", _note(found)


def _note(found: "DeploymentView") -> str:
    if found.error:
        return found.error.splitlines()[0]
    running = "asleep" if found.asleep else f"{found.replicas} replicas" if found.replicas > 1 else ""
    return ", ".join(word for word in (found.branch, running) if word)
