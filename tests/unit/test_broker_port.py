"""The embedded broker takes any bytes for a record to come: its port is one that no web page can send to."""

from tidegate.settings import Settings

BROWSERS_REFUSE = {6566, *range(6665, 6670), 6679, 6697, 10080}
"""Above 6000, of https://fetch.spec.whatwg.org/#port-blocking."""


def test_no_browser_sends_anything_to_the_brokers_default_port() -> None:
    field = Settings.model_fields["broker_port"]
    assert field.default in BROWSERS_REFUSE
    assert all(str(port) in (field.description or "") for port in (6566, 6665, 6669, 6679, 6697, 10080))
