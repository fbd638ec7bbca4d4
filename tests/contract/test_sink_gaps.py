"""Offsets that a topic does not have, in the middle and at its end: what is there lands, and a drain ends."""

import time
from pathlib import Path

from confluent_kafka import Producer

from stream.contracts.topics import Topic
from tests.support.broker import Broker
from tests.support.clickhouse import clickhouse_server
from tests.support.sink_samples import of_every_topic
from tests.support.sinks import new_landing, running_sink

ANSWER_S = 30.0


def test_records_of_transactions_land_once_and_the_sink_stops_behind_the_last_one(
    apache: Broker, tmp_path: Path
) -> None:
    """Each transaction ends in an offset without a record. The embedded broker has no transactions."""
    with clickhouse_server(tmp_path / "data") as server:
        made = new_landing(apache.bootstrap, server.url)
        client = Producer({"bootstrap.servers": apache.bootstrap, "transactional.id": made.database, "log_level": 0})
        client.init_transactions(ANSWER_S)
        value = of_every_topic("gaps", time.time())[Topic.FEEDBACK]
        with running_sink(made):
            for _ in range(3):
                client.begin_transaction()
                for _ in range(2):
                    client.produce(made.layout.name(Topic.FEEDBACK), value, partition=0)
                client.commit_transaction(ANSWER_S)
            made.wait_rows([(6, 7)], "SELECT count(), max(_last_offset) FROM inference_feedback")
