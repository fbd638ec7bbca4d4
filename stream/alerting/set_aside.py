"""The alert about records that were set aside: it fires with the first one, and resolves itself after a while. Pure."""

import uuid

import msgspec

from stream.contracts.alerts import Alert
from stream.contracts.dead_letters import DeadLetter
from stream.contracts.timestamps import to_seconds, to_text

RULE = "record-set-aside"
WORKSPACE = "default"
"""It is about the installation; this is the workspace that operators look at."""
_NAMESPACE = uuid.UUID("0a9c5d1e-7a0f-5d9b-8f0e-3f0f2b9c4d21")


class OpenEpisode(msgspec.Struct, kw_only=True):
    """Since the first record was set aside, until none was for a while."""

    alert: Alert
    newest: float
    """When the last one was set aside (seconds since the epoch)."""
    count: int = 1


class SetAsideAlerts(msgspec.Struct, kw_only=True):
    """Mutable: the open episodes, by reader and topic."""

    open: dict[str, OpenEpisode] = {}

    def note(self, letter: DeadLetter) -> list[Alert]:
        """A record was set aside. Ids follow from the letter, so reading it again makes the same alert."""
        key = f"{letter.reader}/{letter.topic}"
        when = to_seconds(letter.ts)
        episode = self.open.get(key)
        if episode is not None:
            episode.newest = max(episode.newest, when)
            episode.count += 1
            return []
        alert = _firing(letter)
        self.open[key] = OpenEpisode(alert=alert, newest=when)
        return [alert]

    def calm(self, now: float, quiet_s: float) -> list[Alert]:
        """Resolve the episodes in which nothing was set aside for `quiet_s` seconds. `now`: seconds since the epoch.

        A clock, since without traffic nothing else says that time passed; it decides when, never what.
        """
        over = [key for key, episode in self.open.items() if now - episode.newest >= quiet_s]
        return [_resolved(self.open.pop(key), now) for key in over]


def _firing(letter: DeadLetter) -> Alert:
    place = f"{letter.topic} [{letter.partition}] at offset {letter.offset}"
    alert_id = str(uuid.uuid5(_NAMESPACE, f"{letter.reader}/{place}/{letter.line}"))
    return Alert(
        alert_id=alert_id,
        change_id=str(uuid.uuid5(_NAMESPACE, f"{alert_id}/firing")),
        rule=RULE,
        state="firing",
        severity="critical",
        ts=letter.ts,
        since=letter.ts,
        workspace=WORKSPACE,
        model="",
        version=0,
        deployment_id="",
        series=letter.topic,
        window="",
        summary=f"{letter.reader} could not read {place} and set the record aside: {letter.detail}",
        value=1.0,
        threshold=0.0,
        n=1,
        p_value=None,
        noise_floor=None,
        channels=[],
        moved=[],
        next_steps=[
            "See all of them: SELECT * FROM dead_letters WHERE reason = 'set_aside'",
            f"Look at the log of {letter.reader}, and report what it says there: this is a fault of Tidegate",
        ],
        newest_ts=letter.ts,
    )


def _resolved(episode: OpenEpisode, now: float) -> Alert:
    alert = episode.alert
    return msgspec.structs.replace(
        alert,
        change_id=str(uuid.uuid5(_NAMESPACE, f"{alert.alert_id}/resolved")),
        state="resolved",
        ts=to_text(now),
        summary=f"Resolved: {episode.count} set aside, none since {to_text(episode.newest)}; first {alert.summary}",
        value=float(episode.count),
        n=episode.count,
        next_steps=[],
        newest_ts=to_text(episode.newest),
    )
