"""When a deployment that nobody asks may sleep: by the supervisor's clock alone."""

from datetime import UTC, datetime, timedelta

from tidegate.supervisor.idleness import GATEWAYS_S, IdleCandidate, IdleWatch

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
IDLE_S = 10.0


def seen(last: datetime | None = None, *, ready: bool = True) -> IdleCandidate:
    return IdleCandidate("d-1", IDLE_S, last, ready)


def due(watch: IdleWatch, one: IdleCandidate, now: float) -> bool:
    return bool(watch.due([one], now))


def test_it_sleeps_after_its_time_without_a_request() -> None:
    watch = IdleWatch()
    assert not due(watch, seen(), 100)
    assert not due(watch, seen(), 100 + IDLE_S)
    assert due(watch, seen(), 100 + IDLE_S + GATEWAYS_S)


def test_a_request_begins_the_time_anew_whatever_the_gateways_clock_says() -> None:
    watch = IdleWatch()
    due(watch, seen(), 100)
    for turn, moment in enumerate([NOON, NOON - timedelta(days=400), NOON + timedelta(days=400)], start=1):
        assert not due(watch, seen(moment), 100 + 9 * turn)
    assert not due(watch, seen(moment), 127 + IDLE_S)
    assert due(watch, seen(moment), 127 + IDLE_S + GATEWAYS_S)


def test_a_model_that_loads_for_longer_than_it_may_idle_comes_to_its_start() -> None:
    watch = IdleWatch()
    for now in range(100, 160):
        assert not due(watch, seen(NOON, ready=False), now)
    assert not due(watch, seen(NOON), 160)
    assert due(watch, seen(NOON), 160 + IDLE_S + GATEWAYS_S)


def test_a_new_supervisor_begins_to_measure_when_it_starts() -> None:
    due(IdleWatch(), seen(NOON), 100)
    assert not due(IdleWatch(), seen(NOON), 1000)


def test_who_was_away_meanwhile_begins_anew() -> None:
    watch = IdleWatch()
    due(watch, seen(NOON), 100)
    watch.due([], 105)
    assert not due(watch, seen(NOON), 150)
