"""When a series drifts, and when it no longer does.

    FIRE     n_eff >= 100  and  PSI >= 0.20  and  p_G <= alpha
    RESOLVE  PSI <= 0.10, or within its noise floor, for one whole window

The size (PSI) and the certainty (p) must both be there: small windows have large PSIs by chance, large
ones have tiny p-values for changes that matter to nobody. Each channel has its own such pair, and its
own lower mark below which it must stay for a whole window to resolve; in between nothing changes, so
an effect near the mark does not flap. What chance alone gives is also below the mark: in windows of 100
to 300 rows without any drift PSI is often over 0.10, and an alarm there would never end (measured).
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from stream.statistics.measure import RateChange, SeriesStatistics

Channel = Literal["psi", "small_but_certain", "missing", "unseen", "out_of_range"]
State = Literal["insufficient_data", "quiet", "moderate", "drift"]

CHANCE = 0.05
"""An effect that chance exceeds this often is no sign of drift any more."""
CHANNEL_NAMES: dict[Channel, str] = {
    "psi": "significant drift",
    "small_but_certain": "small but certain",
    "missing": "missing",
    "unseen": "unseen",
    "out_of_range": "out of range",
}
"""How each channel is called in an alert."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as large enough to act on, and small enough to be over."""

    min_rows: float = 100.0
    """Effective rows below which nothing is decided."""
    psi_fire: float = 0.20
    psi_resolve: float = 0.10
    """Also the level from which a certain change is called moderate."""
    w1_sigma_fire: float = 0.10
    """Shift in standard deviations of the reference, for a change too small for PSI."""
    w1_sigma_resolve: float = 0.05
    rate_fire: float = 0.05
    """Rise of the share of missing, unseen or out-of-range values: 5 points."""
    rate_resolve: float = 0.025


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """A channel that has fired and has not resolved."""

    channel: Channel
    since: float
    calm_since: float | None = None
    """Since when it is below its lower mark; None while it is not."""


class SeriesState(msgspec.Struct, frozen=True, kw_only=True):
    """State of one series in one window length. Times are seconds since the epoch."""

    state: State = "insufficient_data"
    since: float | None = None
    """When `state` began; None before the first decision."""
    active: tuple[ChannelState, ...] = ()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels that hold it in `drift`."""
        return tuple(channel.channel for channel in self.active)


class Evidence(msgspec.Struct, frozen=True):
    """What one channel has to go by: does its effect fire, and is it calm? Neither is possible, both is not."""

    channel: Channel
    fires: bool
    calm: bool


def decide(
    stats: SeriesStatistics | None,
    previous: SeriesState,
    *,
    alpha: float,
    now: float,
    window: float,
    thresholds: Thresholds | None = None,
) -> SeriesState:
    """The state after one evaluation.

    `stats`: None for a window without rows; `alpha`: see `alpha_star`; `now`: time of the evaluation;
    `window`: its length; both in seconds. Too few rows never resolve what fired: they only say, where
    nothing had, that there is insufficient data, which is not "no drift".
    """
    limits = thresholds or Thresholds()
    if stats is None or stats.n_eff < limits.min_rows:
        return _without_data(previous, now)
    before = {channel.channel: channel for channel in previous.active}
    following = (
        _follow(evidence, before.get(evidence.channel), now, window) for evidence in evidence_of(stats, alpha, limits)
    )
    active = tuple(channel for channel in following if channel is not None)
    state: State = "drift" if active else "quiet"
    if not active and stats.psi >= limits.psi_resolve and stats.g_p <= alpha:
        state = "moderate"
    return _enter(previous, state, active, now)


def evidence_of(stats: SeriesStatistics, alpha: float, limits: Thresholds) -> Iterator[Evidence]:
    """What each channel has to go by, the most telling channel first."""
    yield Evidence(
        "psi",
        fires=stats.psi >= limits.psi_fire and stats.g_p <= alpha,
        calm=stats.psi <= max(limits.psi_resolve, stats.psi_noise),
    )
    # A constant reference has no sigma: every change of it is an out-of-range one.
    size, p = stats.location.w1_sigma or 0.0, stats.location.ks_p
    yield Evidence(
        "small_but_certain",
        fires=size >= limits.w1_sigma_fire and p is not None and p <= alpha,
        calm=size <= limits.w1_sigma_resolve or p is None or p >= CHANCE,
    )
    yield _rate_evidence("missing", stats.missing, alpha, limits)
    yield _rate_evidence("unseen", stats.unseen, alpha, limits)
    yield _rate_evidence("out_of_range", stats.out_of_range, alpha, limits)


def _rate_evidence(channel: Channel, change: RateChange, alpha: float, limits: Thresholds) -> Evidence:
    return Evidence(
        channel,
        fires=change.delta >= limits.rate_fire and change.p <= alpha,
        calm=change.delta <= limits.rate_resolve or change.p >= CHANCE,
    )


def _follow(evidence: Evidence, before: ChannelState | None, now: float, window: float) -> ChannelState | None:
    if before is None:
        return ChannelState(channel=evidence.channel, since=now) if evidence.fires else None
    if not evidence.calm:
        return msgspec.structs.replace(before, calm_since=None)
    calm_since = now if before.calm_since is None else before.calm_since
    if now - calm_since >= window:
        return None
    return msgspec.structs.replace(before, calm_since=calm_since)


def _without_data(previous: SeriesState, now: float) -> SeriesState:
    if not previous.active:
        return _enter(previous, "insufficient_data", (), now)
    # A calm that nobody saw does not count: it starts again when there are rows.
    waiting = tuple(msgspec.structs.replace(channel, calm_since=None) for channel in previous.active)
    return _enter(previous, "drift", waiting, now)


def _enter(previous: SeriesState, state: State, active: tuple[ChannelState, ...], now: float) -> SeriesState:
    unchanged = previous.state == state and previous.since is not None
    return SeriesState(state=state, since=previous.since if unchanged else now, active=active)
