"""The sink's main loop: read, land side by side, go on from where the tables stand; after `stop`, land what is left."""

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from confluent_kafka import KafkaException

from storage.sink import prometheus
from storage.sink.config import SinkConfig
from storage.sink.lander import Lander, LandingResult, OtherIncarnation
from storage.sink.letters import Letters, LettersError
from storage.sink.partition import Partition, Start, State
from storage.sink.position import PositionAheadError
from storage.sink.reader import Key, Reader
from storage.sink.starting import Starts
from storage.sink.store import RefusedError, Store, StoreError, UnlistedError
from stream.broker.end_offsets import EndOffsets
from stream.broker.incarnations import IncarnationError, Incarnations
from stream.contracts.topics import Topic

log = logging.getLogger(__name__)
_POLL_S = 0.05
_COMMIT_EVERY_S = 1.0
_STUCK_EVERY_S = 30.0
_ENDS_S = 2.0
_TOLD = 3
"""Partitions that are named where more wait."""


class Sink:
    """`run` in the main thread; `stop` and `not_ready` from anywhere."""

    def __init__(self, config: SinkConfig) -> None:
        self._config = config
        self._store = Store(config.clickhouse_dsn, config.database)
        incarnations = Incarnations(config.bootstrap, list(config.topics))
        letters = Letters(config.bootstrap, config.layout.name(Topic.DEAD_LETTERS))
        self._lander = Lander(self._store, letters, incarnations)
        self._asker = EndOffsets(config.bootstrap)
        self._starts = Starts(config.bootstrap, config.group, incarnations, self._asker, self._store)
        self._pool = ThreadPoolExecutor(config.insert_threads, thread_name_prefix="sink")
        self._judging = ThreadPoolExecutor(config.insert_threads, thread_name_prefix="sink-judging")
        """Garbage is found line by line, which takes long; it must not keep the other partitions waiting."""
        self._work: dict[Future[Start | LandingResult], Partition] = {}
        self._stopping = threading.Event()
        self._reader = Reader(config, time.monotonic)
        self._commit_at = 0.0
        self._ends: dict[Key, int] = {}

    def stop(self) -> None:
        """Land what stands in the topics now, then end `run`."""
        self._stopping.set()

    def not_ready(self) -> str | None:
        """What the sink waits for; None while it lands what comes."""
        if not self._reader.assigned:
            return "its share of the topics"
        waiting = [each for each in list(self._reader.partitions.values()) if each.waits]
        if not waiting:
            return None
        told = "; ".join(f"{partition}: {partition.reason}" for partition in waiting[:_TOLD])
        return told if len(waiting) <= _TOLD else f"{told}; and {len(waiting) - _TOLD} more partitions"

    def run(self) -> bool:
        """Until stopped. Whether all was landed that stood in the topics when it was stopped."""
        try:
            while not self._stopping.is_set():
                self._step(self._config.flush_s)
            return self._drain()
        finally:
            self._reader.close()
            self._pool.shutdown(wait=True)
            self._judging.shutdown(wait=True)
            self._starts.close()
            self._store.close()

    def _step(self, flush_s: float) -> None:
        self._reader.poll(_POLL_S)
        self._harvest()
        self._start_work(flush_s)
        self._reader.pause(self._full())
        now = time.monotonic()
        if now >= self._commit_at:
            self._commit_at = now + _COMMIT_EVERY_S
            self._reader.measure_lag()
            self._reader.commit()

    def _drain(self) -> bool:
        deadline = time.monotonic() + self._config.drain_s
        left: list[str] = []
        while time.monotonic() < deadline:
            self._step(0.0)
            left = self._left()
            if self._reader.assigned and not left:
                break
        self._reader.commit(wait=True)
        stuck = [str(partition) for partition in self._reader.partitions.values() if partition.state is State.STUCK]
        if left or stuck or not self._reader.assigned:
            log.error(
                "stopped before all was landed, the next start goes on from ClickHouse's positions: %s", left + stuck
            )
            return False
        return True

    def _left(self) -> list[str]:
        """The partitions that are not drained and may still be; their ends are asked for once, after the stop."""
        partitions = self._reader.partitions
        if any(partition.state is State.STARTING for partition in partitions.values()):
            return ["partitions whose position is not known yet"]
        self._ends |= self._asker.ask(set(partitions) - set(self._ends), _ENDS_S)
        return [
            str(partition)
            for key, partition in partitions.items()
            if partition.state is not State.STUCK and not (key in self._ends and partition.drained(self._ends[key]))
        ]

    def _full(self) -> list[Partition]:
        partitions = list(self._reader.partitions.values())
        held = sum(partition.held_bytes for partition in partitions)
        prometheus.BUFFERED.set(held)
        crowded = held >= self._config.buffers * self._config.batch_bytes
        return [
            partition
            for partition in partitions
            if partition.state is not State.READING
            or partition.buffer.bytes >= self._config.batch_bytes
            or partition.buffer.rows >= self._config.batch_rows
            or (crowded and partition.buffer.bytes > 0)
        ]

    def _start_work(self, flush_s: float) -> None:
        config = self._config
        for partition in self._reader.partitions.values():
            if partition.due_to_start():
                partition.busy = True
                self._submit(partition, self._pool.submit(self._starts.find, partition))
            elif partition.due(flush_s, config.batch_bytes, config.batch_rows):
                pool = self._judging if partition.doubtful else self._pool
                self._submit(partition, pool.submit(self._lander.land, partition.job(int(time.time() * 1000))))

    def _submit(self, partition: Partition, future: "Future[Start] | Future[LandingResult]") -> None:
        self._work[future] = partition  # type: ignore[index]

    def _harvest(self) -> None:
        for future in [future for future in self._work if future.done()]:
            partition = self._work.pop(future)
            if self._reader.partitions.get((partition.topic_name, partition.number)) is not partition:
                continue
            try:
                self._answered(partition, future.result())
            except RefusedError as error:
                if partition.doubtful:
                    self._failed(partition, error)  # it was looked for, and still: not without a pause
                else:
                    partition.refused()
            except PositionAheadError as error:
                self._stuck(partition, error)
            except (StoreError, LettersError, IncarnationError, KafkaException) as error:
                self._failed(partition, error)
            except Exception as error:  # one partition's trouble must not stop the others
                log.exception("%s: unexpected", partition)
                self._failed(partition, error)

    def _answered(self, partition: Partition, answer: Start | LandingResult) -> None:
        if isinstance(answer, Start):
            self._reader.go(partition, answer.offset)
            partition.busy = False
            partition.begin(answer)
        elif isinstance(answer, OtherIncarnation):
            lost = len(partition.in_flight) + len(partition.buffer.records)
            prometheus.LOST.labels(partition.topic).inc(lost)
            log.error("%s was deleted or made again: %d records were not landed", partition.topic_name, lost)
            partition.busy = False
            partition.restart("its topic's new incarnation")
        else:
            partition.done(answer)

    def _failed(self, partition: Partition, error: Exception) -> None:
        unlisted = isinstance(error, UnlistedError)
        source = (
            "unlisted"
            if unlisted
            else "clickhouse"
            if isinstance(error, StoreError)
            else "kafka"
            if _is_kafka(error)
            else "unexpected"
        )
        prometheus.FAILURES.labels(partition.topic, source).inc()
        if partition.failures in (0, 10) or partition.failures % 100 == 0:
            log.warning("%s waits: %s", partition, error)
        partition.failed(str(error), unlisted=unlisted)

    def _stuck(self, partition: Partition, error: Exception) -> None:
        prometheus.AHEAD.labels(partition.topic).inc()
        log.error("%s cannot be landed: %s", partition, error)
        partition.failed(str(error))
        partition.state = State.STUCK
        partition.not_before = time.monotonic() + _STUCK_EVERY_S


def _is_kafka(error: Exception) -> bool:
    return isinstance(error, LettersError | IncarnationError | KafkaException)
