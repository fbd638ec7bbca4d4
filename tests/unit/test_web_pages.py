"""Who is taken for a web page, and who for a client."""

import pytest

from web.pages import LOOPBACK, PageGuard, page_guard

LOCAL = page_guard("127.0.0.1")
GATEWAY = page_guard("127.0.0.1", has_pages=True)
OPEN = page_guard("0.0.0.0", has_pages=True)  # noqa: S104 - what is judged


def headers(**given: str) -> list[tuple[bytes, bytes]]:
    named = {"host": "127.0.0.1:8700", "accept": "*/*", **given}
    return [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in named.items()]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8700", "localhost:1", "LOCALHOST", "[::1]", "[::1]:8700"])
def test_clients_of_this_machine_are_let_in(host: str) -> None:
    assert LOCAL.refusal(headers(host=host)) is None
    assert LOCAL.refusal(headers(host=host, sec_fetch_site="none")) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8700",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.0.0.10",
        "0.0.0.0",  # noqa: S104
        "",
        "[::2]:8700",
        "[",
        "localhost.",
        "\xff",
        "a" * 10_000,
    ],
)
def test_a_name_that_was_turned_into_this_address_is_refused(host: str) -> None:
    assert LOCAL.refusal(headers(host=host)) is not None
    assert GATEWAY.refusal(headers(host=host, origin=f"http://{host}", sec_fetch_site="same-origin")) is not None


@pytest.mark.parametrize(
    "given",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://localhost:3000"},
        {"origin": "http://127.0.0.1:8720", "sec_fetch_site": "same-site"},
        {"origin": "https://evil.example", "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": ""},
    ],
)
def test_what_a_page_of_another_site_sends_is_refused(given: dict[str, str]) -> None:
    assert all(guard.refusal(headers(**given)) is not None for guard in (LOCAL, GATEWAY, OPEN))


def test_a_second_header_does_not_hide_the_first() -> None:
    hosts = [(b"host", b"evil.example"), (b"host", b"127.0.0.1")]
    origins = [(b"host", b"127.0.0.1"), (b"origin", b"https://evil.example"), (b"origin", b"http://127.0.0.1")]

    assert all(GATEWAY.refusal(many) is not None for many in (hosts, hosts[::-1], origins, origins[::-1]))


def test_only_what_shows_pages_itself_is_asked_by_its_own_pages() -> None:
    own = headers(origin="http://127.0.0.1:8700", sec_fetch_site="same-origin")

    assert GATEWAY.refusal(own) is None
    assert LOCAL.refusal(own) is not None


def test_an_operator_allows_hosts_and_origins() -> None:
    guard = page_guard("127.0.0.1", ["Models.Example", " other.example:443 "], ["https://App.Example/"], has_pages=True)

    assert guard.refusal(headers(host="models.example")) is None
    assert guard.refusal(headers(host="other.example")) is None
    assert guard.refusal(headers(origin="https://app.example", sec_fetch_site="cross-site")) is None
    assert guard.refusal(headers(host="models.example", origin="https://models.example")) is None
    assert guard.refusal(headers(host="evil.example")) is not None
    assert guard.refusal(headers(origin="https://app.example.evil.example")) is not None


def test_beyond_the_loopback_names_are_judged_once_they_are_known() -> None:
    named = page_guard("0.0.0.0", ["models.example"])  # noqa: S104

    assert OPEN.refusal(headers(host="anything.example")) is None
    assert OPEN.refusal(headers(host="10.0.0.5:8700", origin="http://10.0.0.5:8700")) is None
    assert OPEN.refusal(headers(host="evil.example", origin="http://evil.example")) is not None
    assert named.refusal(headers(host="anything.example")) is not None
    assert named.refusal(headers(host="models.example")) is None
    assert page_guard("::1").hosts == LOOPBACK


def test_what_is_said_names_the_setting_and_shows_no_control_characters() -> None:
    told = [PageGuard().refusal(headers(host="\x1b]52;c;evil")), GATEWAY.refusal(headers(origin="\x1b[2J" * 99))]

    assert all(one is not None and one.isprintable() and len(one) < 400 for one in told)
    assert "TIDEGATE_ALLOWED_HOSTS" in str(told[0])
    assert "TIDEGATE_ALLOWED_ORIGINS" in str(told[1])
    assert "TIDEGATE_ALLOWED_ORIGINS" not in str(LOCAL.refusal(headers(origin="https://a"))), "none are allowed there"
