"""One deployment's model in its process: loaded once it may be, described, compared for a check, drained."""

import asyncio
import gc
import logging
import os
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from model_runner.errors import ModelError
from model_runner.explaining.raised import in_words
from model_runner.folder.schema_source import schema_text
from model_runner.limits import over_load_time
from model_runner.schema.manner import Manner
from model_runner.serving.loading import ServingModel, load_and_warm, served_in
from model_runner.serving.model_thread import ModelThread
from model_runner.serving.own_answers import OwnAnswers
from model_runner.serving.runner_config import RunnerConfig
from model_runner.serving.warming import import_each, looked_for
from model_runner.wire.frames import (
    BAD_REQUEST,
    OWN,
    PREDICTION_FAILED,
    Reply,
    Request,
    RunnerInfo,
)

log = logging.getLogger("model_runner")

_LEAVE_S = 1.0
"""How long a stop waits for those that were told of it to close."""


class Leaver(Protocol):
    """A connection, as far as a stop is concerned."""

    def take_leave(self) -> None:
        """Tell the client that what was not answered was not begun."""


class Runner:
    """State that all connections share."""

    def __init__(self, config: RunnerConfig) -> None:
        self.config = config
        self.thread = ModelThread(config.max_waiting, config.max_batch_rows, time.perf_counter)
        self.stopping = False
        self.connections: set[Leaver] = set()
        self._serving: ServingModel | None = None
        self._own: OwnAnswers | None = None
        """Until its check is over."""
        self.may_load = asyncio.Event()
        self._has_imported = False
        self._looked_for: set[str] = set()
        """Names of modules, by what it imported as a spare."""
        self._taken = asyncio.Event()

    async def load(self) -> None:
        """load → warm → ready.

        Raises:
            ModelError: the folder cannot be served.
        """
        await self._until_it_may()
        seconds = self.config.limits.load_seconds
        try:
            async with asyncio.timeout(seconds):
                serving = await self.thread.call(lambda: load_and_warm(self.config.folder, time.perf_counter))
        except TimeoutError:
            raise over_load_time("model", seconds or 0.0) from None
        log.info("load %s in %.0f ms", serving.model.description, serving.load_ms)
        log.info("warm in %.0f ms", serving.warm_ms)
        for note in serving.notes:
            log.warning("%s", note)
        if serving.inputs.schema is None:
            log.warning("no input schema: this model serves unvalidated; declare [features] in tidegate.toml")
        # It had its say while it loaded and warmed; the same line for every request would only fill the disk.
        warnings.simplefilter("ignore")
        self._own = serving.own
        self._serve(serving)
        where = self.config.socket
        log.info("ready on %s", where if isinstance(where, Path) else where.getsockname())

    async def _until_it_may(self) -> None:
        """Raises ModelError: nobody said so. It ends then, whoever still holds it."""
        seconds = self.config.awaits_word_s
        if seconds is None:
            return
        if self.config.is_spare:
            await self._until_taken()
        try:
            async with asyncio.timeout(seconds):
                for _ in import_each(self.config.libraries):
                    if self.may_load.is_set():
                        return
                    await asyncio.sleep(0)
                await self.may_load.wait()
        except TimeoutError:
            problem = f"was not loaded: nobody said within {seconds:g} s that it may be"
            raise ModelError("model", problem, "Deploy it again") from None

    async def _until_taken(self) -> None:
        with looked_for() as self._looked_for:
            for _ in import_each(self.config.libraries):
                await asyncio.sleep(0)
        gc.collect()
        self._has_imported = True
        await self._taken.wait()

    def become(self, request: Request) -> Reply:
        """From now on it is this deployment's; once."""
        whose = request.whose
        if whose is None or not self.config.is_spare or self._taken.is_set():
            return Reply(request.id, BAD_REQUEST, "this process is somebody's already")
        other = sorted(self._looked_for.intersection(whose.own_modules))
        if other:
            return Reply(request.id, BAD_REQUEST, f"it has looked for {other[0]} elsewhere, which the folder has")
        self.config = replace(self.config, deployment_id=whose.deployment_id, libraries=whose.libraries)
        self._taken.set()
        return Reply(request.id)

    def info(self) -> RunnerInfo:
        serving = self._serving
        common = {
            "deployment_id": self.config.deployment_id,
            "pid": os.getpid(),
            "waiting": self.thread.waiting,
            "busy_s": self.thread.busy_s,
        }
        if serving is None:
            is_spare = self._has_imported and not self._taken.is_set()
            return RunnerInfo(state="spare" if is_spare else "loading", **common)  # type: ignore[arg-type]
        return RunnerInfo(
            state="stopping" if self.stopping else "ready",
            model=serving.model.description,
            notes=serving.notes,
            task=serving.task,
            schema=schema_text(serving.inputs),
            example=serving.inputs.example,
            manner=serving.inputs.manner or Manner(),
            comparable=serving.own.are_its_own,
            load_ms=serving.load_ms,
            warm_ms=serving.warm_ms,
            **common,  # type: ignore[arg-type]
        )

    async def compared(self, request: Request) -> Reply:
        """What the model itself answers to the rows, or why it answers the one row otherwise."""
        own, rows = self._own, request.rows or []
        if own is None:
            return Reply(request.id, BAD_REQUEST, "the model is not loaded yet, or its check is over")
        ask = own.answers if request.op == OWN else own.explain
        try:
            found = list(await self.thread.call(lambda: ask(rows, request.start)))
            return Reply(request.id, None, own.said, found)
        except Exception as error:  # a model's code may raise anything
            return Reply(request.id, PREDICTION_FAILED, in_words(error))

    async def end_check(self, request: Request) -> Reply:
        """Serve as any other will that is started with what the check found out; let go of what only a check needs."""
        serving, manner = self._serving, request.manner
        if serving is None or manner is None:
            return Reply(request.id, BAD_REQUEST, "the model is not loaded yet, or there is no manner")
        try:
            if manner != serving.inputs.manner:
                self._serve(await self.thread.call(lambda: served_in(serving, self.config.folder, manner)))
            self._own = None
            serving.own.forget()
            await self.thread.call(gc.collect)
        except Exception as error:  # a model's code may raise anything
            return Reply(request.id, PREDICTION_FAILED, in_words(error))
        return Reply(request.id)

    def _serve(self, serving: ServingModel) -> None:
        self._serving = serving
        manner = serving.inputs.manner
        self.thread.start(serving.predict, alone=manner is not None and manner.alone)

    async def stop(self) -> None:
        """Refuse what is new, finish what is under way."""
        self.stopping = True
        try:
            async with asyncio.timeout(self.config.drain_s):
                await self.thread.drain()
        except TimeoutError:
            log.warning("gave up %d requests after %.0f s", self.thread.waiting, self.config.drain_s)
        for connection in self.connections:
            connection.take_leave()
        # Who is told closes; what it had sent meanwhile is read and refused, where an exit would cut it off unseen.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                while self.connections:  # noqa: ASYNC110  each is closed by another process
                    await asyncio.sleep(0.005)
