"""Guesses at tokens, passwords and signatures, over real HTTP: how many are looked at, who still gets in, what is told.

Addresses of the loopback stand for clients of different places.
"""

import hashlib
import hmac
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.clickhouse import RunningServer, clickhouse_server
from tests.support.doors import SIGNED, TOKEN, doors
from tests.support.waiting import wait_until
from web.tries import AT_ONCE

TRIES = 1000
BODY = json.dumps({"repository": {"full_name": "acme/market"}}).encode()
PASSWORD = "a long password of the operator"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("doors")


@pytest.fixture(scope="module")
def url(scratch: Path) -> Iterator[str]:
    with doors(scratch) as url:
        yield url


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    env = {"CLICKHOUSE_PASSWORD": PASSWORD, "CLICKHOUSE_READONLY_PASSWORD": "look"}
    with clickhouse_server(tmp_path_factory.mktemp("guessed") / "db", env=env) as running:
        yield running


def client(address: str) -> httpx.Client:
    return httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=60)


def manage(asks: httpx.Client, url: str, token: str) -> httpx.Response:
    return asks.get(f"{url}/api/v1/nothing", headers={"Authorization": f"Bearer {token}"})


def git(asks: httpx.Client, url: str, token: str) -> httpx.Response:
    return asks.get(f"{url}/git/default/market.git/info/refs?service=git-upload-pack", auth=("git", token))


def hook(asks: httpx.Client, url: str, secret: str) -> httpx.Response:
    signature = "sha256=" + hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": signature, "x-github-event": "ping"}
    return asks.post(f"{url}/hooks/github", content=BODY, headers=headers)


def query(asks: httpx.Client, url: str, password: str) -> httpx.Response:
    return asks.post(url, content="SELECT 1", auth=("default", password))


Ask = Callable[[httpx.Client, str, str], httpx.Response]
DOORS: dict[str, tuple[Ask, str, int, int]] = {
    "management": (manage, TOKEN, 401, 404),
    "git": (git, TOKEN, 401, 404),
    "github": (hook, SIGNED, 401, 200),
    "clickhouse": (query, PASSWORD, 403, 200),
}
"""How to ask, with what, and the answers to what is wrong and to what is right."""


def _tried(url: str, door: str, outcome: str) -> float:
    name = f'tidegate_failed_tries_total{{door="{door}",outcome="{outcome}"}} '
    lines = httpx.get(f"{url}/metrics", timeout=60).text.splitlines()
    return next((float(line.removeprefix(name)) for line in lines if line.startswith(name)), 0.0)


@pytest.mark.parametrize("number", range(len(DOORS)), ids=list(DOORS))
def test_a_thousand_guesses_are_limited_and_keep_nobody_out(
    number: int, url: str, scratch: Path, clickhouse: RunningServer
) -> None:
    door, (ask, right, wrong_status, right_status) = list(DOORS.items())[number]
    place = clickhouse.url if door == "clickhouse" else url
    with client(f"127.0.{number + 1}.1") as guesser, client(f"127.0.{number + 1}.2") as other:
        assert ask(guesser, place, "guess").status_code == wrong_status
        answers = [ask(guesser, place, f"guess {number}") for number in range(TRIES)]
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) == {wrong_status, 429}
        # Some more may have been looked at meanwhile: one for each five seconds.
        seconds = sum(answer.elapsed.total_seconds() for answer in answers)
        assert AT_ONCE - 1 <= statuses[wrong_status] <= AT_ONCE + seconds
        assert all(1 <= int(answer.headers["retry-after"]) <= 5 for answer in answers if answer.status_code == 429)

        assert ask(guesser, place, right).status_code == right_status, "who has it is behind the same address"
        assert ask(other, place, right).status_code == right_status
        assert ask(other, place, "guess").status_code == wrong_status
    if door != "clickhouse":
        assert _tried(url, door, "limited") == statuses[429]
        told = (scratch / "doors.log").read_text()
        assert 1 <= told.count(f"{door}: ") <= 2 + seconds / 60
        assert f"127.0.{number + 1}.1" in told
        assert right not in told


def test_who_comes_from_many_addresses_stops_nobody(url: str) -> None:
    statuses: Counter[int] = Counter()
    for number in range(60):
        with client(f"127.1.{number}.1") as guesser:
            statuses.update(manage(guesser, url, f"guess {n}").status_code for n in range(AT_ONCE + 2))
    assert statuses[429] >= 60
    assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
    with client("127.1.250.1") as right:
        assert manage(right, url, TOKEN).status_code == 404


def test_who_is_kept_out_by_one_who_knows_the_beginning_is_let_in_again(url: str) -> None:
    with client("127.2.0.1") as both:
        statuses = [manage(both, url, f"{TOKEN[:20]}{number}").status_code for number in range(3 * AT_ONCE)]
        assert 429 in statuses
        wait_until(lambda: manage(both, url, TOKEN).status_code == 404, 30, "the right token to be let in")


def test_a_request_without_a_token_is_no_guess(url: str) -> None:
    """git asks without one first, each time."""
    with client("127.3.0.1") as asks:
        place = f"{url}/git/default/market.git/info/refs?service=git-upload-pack"
        assert {asks.get(place).status_code for _ in range(3 * AT_ONCE)} == {401}
        assert {asks.get(f"{url}/api/v1/models").status_code for _ in range(3 * AT_ONCE)} == {401}


def test_git_itself_says_why(url: str) -> None:
    place = f"{url.replace('http://', 'http://git:wrong@')}/git/default/market.git"
    said = ""
    for _ in range(AT_ONCE + 2):
        done = subprocess.run(["git", "ls-remote", place], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        said = done.stderr
    assert "429" in said or "Too many wrong tokens" in said
