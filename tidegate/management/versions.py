"""The management API's doer, in the gateway's process: short changes at once, those that wait for a runner beside."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from gateway.management.contract import Changed, Deployments, DeploymentView, Models, ModelView, Versions
from gateway.refusals import Refusal
from model_runner import watched
from storage import registry
from storage.registry import (
    DamagedRowError,
    Database,
    DeploymentStateError,
    RegistryError,
    RouteChangedError,
    UnknownDeploymentError,
    UnknownModelError,
    UnknownVersionError,
)
from tidegate.management.views import changed_view, deployment_view, model_view, version_view
from tidegate.rollout.change import Change
from tidegate.rollout.config import RolloutConfig
from tidegate.rollout.engine import carry_out, fail_new
from tidegate.rollout.publishing import PublishError
from tidegate.rollout.runner_awaiting import RunnerNotReadyError
from tidegate.versions import ending, operations

MOST_WAITING = 8
"""Changes that wait for runners at once; each has a thread."""
SWEEP_S = 15.0

log = logging.getLogger("tidegate.versions")


class VersionsApi:
    """A gateway.management.contract.Management."""

    def __init__(self, config: RolloutConfig) -> None:
        self._config = config
        self._database = Database(config.database_dsn)
        self._room = threading.Semaphore(MOST_WAITING)

    def models(self, workspace: str) -> Models:
        with _refusing():
            unreadable: dict[str, str] = {}
            views = []
            for found in registry.list_models(self._database, workspace, unreadable):
                views.append(self._model(found, unreadable))
            return Models(models=views, unreadable=list(unreadable.values()))

    def model(self, workspace: str, model: str) -> ModelView:
        with _refusing():
            return self._model(registry.get_model(self._database, model, workspace), {})

    def versions(self, workspace: str, model: str) -> Versions:
        with _refusing():
            found = registry.get_model(self._database, model, workspace).versions
            return Versions(versions=[version_view(version) for version in reversed(found)])

    def deployments(self, workspace: str, model: str) -> Deployments:
        with _refusing():
            registry.require_model(self._database, model, workspace)
            unreadable: dict[str, str] = {}
            found = registry.deployments_of(self._database, model, workspace, unreadable)
            views = [deployment_view(one) for one in found]
            return Deployments(deployments=views, unreadable=list(unreadable.values()))

    def deployment(self, deployment_id: str) -> DeploymentView:
        with _refusing():
            return deployment_view(registry.get_deployment(self._database, deployment_id))

    def rollback(self, workspace: str, model: str, version: int | None) -> Changed:
        return self._change(partial(operations.rollback, workspace=workspace, model=model, version=version))

    def promote(self, workspace: str, model: str, version: int | None) -> Changed:
        return self._change(partial(operations.promote, workspace=workspace, model=model, version=version))

    def redeploy(self, workspace: str, model: str, version: int | None) -> Changed:
        return self._change(partial(operations.redeploy, workspace=workspace, model=model, version=version))

    def traffic(self, workspace: str, model: str, weights: dict[int, float]) -> Changed:
        return self._change(partial(operations.traffic, workspace=workspace, model=model, weights=weights))

    def shadow(self, workspace: str, model: str, version: int) -> Changed:
        return self._change(partial(operations.shadow, workspace=workspace, model=model, version=version))

    def end_shadow(self, workspace: str, model: str, version: int | None) -> Changed:
        return self._change(partial(operations.end_shadow, workspace=workspace, model=model, version=version))

    def scale(self, workspace: str, model: str, replicas: int, version: int | None) -> Changed:
        plan = partial(operations.scale, workspace=workspace, model=model, replicas=replicas, version=version)
        return self._change(plan)

    def cancel(self, deployment_id: str) -> DeploymentView:
        with _refusing():
            return deployment_view(ending.cancel(self._config, self._database, deployment_id))

    async def sweep_for_ever(self) -> None:
        """End what has outlived its time; beside the serving."""
        while True:
            try:
                ended = await asyncio.to_thread(ending.sweep, self._config, self._database, datetime.now(UTC))
            except Exception as error:  # the registry's own kinds; it is tried again
                log.warning("what has outlived its time could not be ended: %s: %s", type(error).__name__, error)
            else:
                for found in ended:
                    log.info("deployment %s of %s ended: its time is over", found.id, found.model)
            await asyncio.sleep(SWEEP_S)

    def _model(self, found: registry.Model, unreadable: dict[str, str]) -> ModelView:
        return model_view(found, registry.deployments_of(self._database, found.name, found.workspace, unreadable))

    def _change(self, plan: Callable[..., Change]) -> Changed:
        if not self._room.acquire(blocking=False):
            raise Refusal(503, "busy", f"{MOST_WAITING} changes wait for runners already; try again", retry_after_s=5)
        handed_on = False
        try:
            with _refusing():
                change = plan(self._config, self._database)
                handed_on = bool(change.waits_for)
                if handed_on:
                    return self._begin(change)
                done = carry_out(change, self._config, self._database)
                return changed_view(self._database, change, done=True, warnings=done.warnings)
        finally:
            if not handed_on:
                self._room.release()

    def _begin(self, change: Change) -> Changed:
        """Carry it out in a thread of its own: the gateway can end without it. What is left then, `sweep` fails."""
        watched.begin_thread(partial(self._carry_out, change), f"change of {change.model}")
        return changed_view(self._database, change, done=False)

    def _carry_out(self, change: Change) -> None:
        try:
            for warning in carry_out(change, self._config, self._database).warnings:
                log.warning("%s", warning)
            log.info("%s", change.summary)
        except (RegistryError, PublishError, RunnerNotReadyError) as error:
            log.warning("not done: %s: %s", change.summary, error)
        except Exception as error:
            log.exception("not done: %s", change.summary)
            fail_new(change, self._config, self._database, error)
        finally:
            self._room.release()


@contextmanager
def _refusing() -> Iterator[None]:
    """What went wrong as an answer."""
    try:
        yield
    except UnknownModelError as error:
        raise Refusal(404, "unknown_model", _sentence(error), _nearest(error)) from None
    except UnknownVersionError as error:
        raise Refusal(404, "unknown_version", _sentence(error)) from None
    except UnknownDeploymentError as error:
        raise Refusal(404, "unknown_deployment", _sentence(error)) from None
    except RouteChangedError as error:
        raise Refusal(409, "route_changed", _sentence(error)) from None
    except DeploymentStateError as error:
        raise Refusal(409, "wrong_state", _sentence(error)) from None
    except ValueError as error:
        raise Refusal(422, "invalid_request", _sentence(error)) from None
    except DamagedRowError as error:
        raise Refusal(503, "unavailable", f"{_sentence(error)}. Deploying the model again makes new rows") from None
    except (RunnerNotReadyError, PublishError, SQLAlchemyError) as error:
        log.warning("%s: %s", type(error).__name__, error)
        message = "The registry, the broker or a runner does not answer; the gateway's log says which. Try again"
        raise Refusal(503, "unavailable", message, retry_after_s=5) from None


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _nearest(error: UnknownModelError) -> list[Any]:
    return [{"nearest": error.nearest}] if error.nearest else []
