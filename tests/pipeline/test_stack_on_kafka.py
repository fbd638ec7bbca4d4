"""The stack on Apache Kafka instead of the embedded broker."""

from pathlib import Path

import httpx
import pytest

from tests.support.broker import KAFKA_HOME, apache_kafka
from tests.support.models import EXAMPLE, write_plain
from tests.support.stack import running_stack
from tests.support.waiting import wait_until


@pytest.mark.skipif(not KAFKA_HOME, reason="KAFKA_HOME is not set: NOT TESTED AGAINST APACHE KAFKA")
def test_a_real_kafka_takes_the_embedded_brokers_place(tmp_path: Path) -> None:
    folder = write_plain(tmp_path / "market")
    with apache_kafka(tmp_path) as kafka, running_stack(tmp_path, kafka_bootstrap=kafka.bootstrap) as stack:
        assert "broker" not in stack.parts()
        stack.tidegate("deploy", str(folder))

        def answers() -> bool:
            url = f"{stack.gateway_url}/v1/models/market/predict"
            return httpx.post(url, json={"instances": [EXAMPLE]}, timeout=60).status_code == 200

        wait_until(answers, 10, "an answer")
        assert stack.tidegate("status").returncode == 0
        assert {topic["outcome"] for topic in stack.json("topics")} == {"unchanged"}
