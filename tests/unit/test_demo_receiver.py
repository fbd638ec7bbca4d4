"""The demo's webhook receiver keeps what came, as it came."""

import httpx

from tidegate.demo.receiver import Receiver


def post(receiver: Receiver, alert: dict[str, str]) -> int:
    return httpx.post(receiver.url, json={"type": "alert.firing", "data": alert}, trust_env=False).status_code


def test_a_delivery_is_kept_with_its_headers_and_time() -> None:
    with Receiver() as receiver:
        assert post(receiver, {"deployment_id": "d1", "change_id": "c1", "state": "firing"}) == 204
        (kept,) = receiver.deliveries("d1")
    assert kept.alert["change_id"] == "c1"
    assert {name.lower(): value for name, value in kept.headers.items()}["content-type"] == "application/json"
    assert kept.at > 0


def test_a_repeated_change_counts_once_and_other_deployments_do_not() -> None:
    with Receiver() as receiver:
        for change, deployment in (("c1", "d1"), ("c1", "d1"), ("c2", "d2"), ("c3", "d1")):
            post(receiver, {"deployment_id": deployment, "change_id": change})
        assert [one.alert["change_id"] for one in receiver.deliveries("d1")] == ["c1", "c3"]


def test_what_is_no_json_is_answered_and_ignored() -> None:
    with Receiver() as receiver:
        assert httpx.post(receiver.url, content=b"\xff{", trust_env=False).status_code == 204
        assert receiver.deliveries("d1") == []


def test_too_long_a_body_is_refused() -> None:
    with Receiver() as receiver:
        answer = httpx.post(receiver.url, content=b"x" * 1_000_001, trust_env=False)
    assert answer.status_code == 413
