"""Fills a drift metric: one series in one window, what was measured of it and what was decided. Pure."""

from stream.contracts.metrics import DriftMetric
from stream.contracts.timestamps import to_text
from stream.panes.totals import Totals
from stream.profiles.profile import FeatureProfile, Profile
from stream.statistics.measure import SeriesStatistics
from stream.windows.decision import SeriesState
from stream.windows.deployment_windows import DeploymentWindows
from stream.windows.hour_mixture import HourMixture
from stream.windows.window import Window


def drift_metric(
    windows: DeploymentWindows,
    window: Window,
    total: Totals,
    profile: Profile,
    mixture: HourMixture | None,
    series: FeatureProfile,
    stats: SeriesStatistics,
    state: SeriesState,
    alpha: float,
    now: float,
) -> DriftMetric:
    """What is told of `series`. `mixture`: the reference by hour of day, where it is what was compared with;
    `now`: wall clock, in seconds since the epoch.
    """
    return DriftMetric(
        ts=to_text(now),
        **windows.identity._asdict(),
        profile_id=profile.id,
        reference=profile.source if mixture is None else "hour_of_day",
        series=series.key,
        role=series.role,
        window=window.name,
        window_start=to_text(windows.window_start(window)),
        window_end=to_text(windows.window_end()),
        newest_ts=total.newest_ts,
        n=stats.n,
        n_eff=stats.n_eff,
        psi=stats.psi,
        psi_noise=stats.psi_noise,
        kl=stats.kl,
        kl_reverse=stats.kl_reverse,
        js=stats.js,
        hellinger=stats.hellinger,
        chi2=stats.chi2,
        chi2_p=stats.chi2_p,
        g=stats.g,
        g_p=stats.g_p,
        df=stats.df,
        ks=stats.location.ks,
        ks_p=stats.location.ks_p,
        w1=stats.location.w1,
        w1_sigma=stats.location.w1_sigma,
        mean=stats.location.mean,
        reference_mean=stats.reference_mean,
        missing_rate=stats.missing.rate,
        missing_delta=stats.missing.delta,
        unseen_rate=stats.unseen.rate,
        out_of_range_rate=stats.out_of_range.rate,
        state=state.state,
        channels=list(state.channels),
        since=None if state.since is None else to_text(state.since),
        alpha=alpha,
        moved=stats.moved,
        reference_rows=profile.n_rows,
    )
