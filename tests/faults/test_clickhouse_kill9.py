"""kill -9 of the ClickHouse process in the middle of inserts: each acknowledged row is there exactly once after it."""

import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.clickhouse import RunningServer, clickhouse_server, start_clickhouse
from tests.support.waiting import wait_until

WRITERS = 3
ROUNDS = 4
TABLE = (
    "CREATE TABLE IF NOT EXISTS rows (writer UInt8, batch UInt64, id UInt32, day Date, pad String) ENGINE = MergeTree"
    " PARTITION BY (writer, day) ORDER BY (batch, id) SETTINGS non_replicated_deduplication_window = 1000"
)


@dataclass
class Writer:
    """Inserts numbered batches; one that got no answer is sent again with the same token, as the sink does."""

    number: int
    seed: int
    acknowledged: dict[int, int] = field(default_factory=dict)  # batch -> rows
    unanswered: int = 0
    repeated: int = -1
    """The batch that got no answer last."""
    attempt: int = 0

    def write(self, url: str) -> None:
        """Insert until the server is gone."""
        with httpx.Client(base_url=url, timeout=60) as http:
            while True:
                batch = len(self.acknowledged)
                rows = random.Random(f"{self.seed}-{self.number}-{batch}").randrange(1, 3000)
                url_parameters = {
                    "query": "INSERT INTO rows FORMAT JSONEachRow",
                    "insert_deduplication_token": f"{self.number}-{batch}-{self.attempt}",
                }
                try:
                    answer = http.post("/", params=url_parameters, content=self._lines(batch, rows))
                    landed = batch != self.repeated or _is_there(http, self.number, batch)
                except (httpx.TransportError, httpx.HTTPStatusError) as error:
                    self.unanswered += not isinstance(error, httpx.ConnectError)
                    self.repeated = batch
                    return
                if answer.status_code == 200 and landed:
                    self.acknowledged[batch] = rows
                elif answer.status_code == 200:
                    self.attempt += 1

    def _lines(self, batch: int, rows: int) -> bytes:
        # A day a batch: a batch is one partition and so one part, whole or not there at all.
        head = f'{{"writer":{self.number},"batch":{batch},"day":"2026-01-0{1 + batch % 3}","pad":"{"x" * 50}","id":'
        return "".join(f"{head}{i}}}\n" for i in range(rows)).encode()


def _is_there(http: httpx.Client, writer: int, batch: int) -> bool:
    """A kill can leave an insert's token without its rows: then the same token is answered with 200 and writes nothing.

    Whoever repeats an insert has to look, as the sink does (storage/sink/lander.py).
    """
    sql = f"SELECT count() > 0 FROM rows WHERE writer = {writer} AND batch = {batch}"
    return http.post("/", content=sql).raise_for_status().text.strip() == "1"


def kill_while_writing(server: RunningServer, writers: list[Writer], batches: int, after_s: float) -> None:
    """Kill it so long after so many more batches were acknowledged, in the midst of the next."""
    goal = acknowledged(writers) + batches
    threads = [threading.Thread(target=one.write, args=(server.url,)) for one in writers]
    for thread in threads:
        thread.start()
    wait_until(lambda: acknowledged(writers) >= goal, 60, f"{batches} batches")
    time.sleep(after_s)  # how far the inserts come before the kill is what the seed varies
    server.kill()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if server.process.stdout is not None:
        server.process.stdout.close()


def acknowledged(writers: list[Writer]) -> int:
    return sum(len(one.acknowledged) for one in writers)


def test_no_acknowledged_row_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    seed = 20260112
    chance = random.Random(seed)
    writers = [Writer(number, seed) for number in range(WRITERS)]
    for _ in range(ROUNDS):
        server = start_clickhouse(tmp_path / "db")
        httpx.post(server.url, content=TABLE, timeout=60).raise_for_status()
        kill_while_writing(server, writers, chance.randrange(3, 12), chance.uniform(0.0, 0.1))
    assert sum(one.unanswered for one in writers) > 0, "no kill came in the middle of an insert"
    with clickhouse_server(tmp_path / "db") as last:
        sql = (
            "SELECT writer, batch, count(), uniqExact(id), max(id) + 1 FROM rows GROUP BY ALL FORMAT JSONCompactEachRow"
        )
        answer = httpx.post(last.url, params={"output_format_json_quote_64bit_integers": "0"}, content=sql, timeout=60)
    found: dict[tuple[int, int], list[int]] = {}
    for line in answer.text.splitlines():
        writer, batch, *counts = (int(part) for part in line.strip("[]").split(","))
        found[writer, batch] = counts
    for one in writers:
        for batch, rows in one.acknowledged.items():
            assert found.pop((one.number, batch)) == [rows, rows, rows], (one.number, batch)
    # What is left was written and never acknowledged: at most the batch that each writer was sending last.
    assert all(batch == len(writers[writer].acknowledged) for writer, batch in found)
