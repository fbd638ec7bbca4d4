"""Sessions by `session_id`: settings and temporary tables that live over requests.

A session is a name until it has something of its own: only then it takes a connection. So the clients that name a
session for every connection they make (clickhouse-connect does) cost nothing, and what is bounded is what costs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from storage.clickhouse_server.errors import (
    SESSION_IS_LOCKED,
    SESSION_NOT_FOUND,
    USER_SESSION_LIMIT_EXCEEDED,
    ClickHouseError,
)
from storage.clickhouse_server.kept_session import KeptSession
from storage.clickhouse_server.request import WantedSession

_MOST_NAMES = 10_000

Open = Callable[[bool], KeptSession]
Clock = Callable[[], float]


@dataclass(slots=True)
class NamedSession:
    """One session of one user."""

    key: tuple[str, str]
    readonly: bool
    expires_s: float = 0.0
    """On the clock, while nobody uses it."""
    busy: bool = True
    connection: KeptSession | None = field(default=None, repr=False)


class NamedSessions:
    """All of them; `open_session` makes the connection of a user that may only read, or of one that may write.

    Used on one event loop; `open_session` alone may be called in a thread.
    """

    def __init__(self, open_session: Open, most: int, clock: Clock) -> None:
        self._open = open_session
        self._most = most
        self._clock = clock
        self._sessions: dict[tuple[str, str], NamedSession] = {}  # the one that was left last is at the end
        self._kept = 0

    @property
    def kept(self) -> int:
        """Sessions with a connection of their own."""
        return self._kept

    def enter(self, user: str, wanted: WantedSession, *, readonly: bool) -> NamedSession:
        """The user's session of this name, made unless it exists; it is locked until `leave`.

        Raises ClickHouseError 373 while a query of it runs, 372 where it has to exist and does not.
        """
        self.expire()
        key = (user, wanted.session_id)
        session = self._sessions.get(key)
        if session is not None and session.busy:
            text = f"Session {wanted.session_id} is locked by a concurrent client"
            raise ClickHouseError(SESSION_IS_LOCKED, text, "SESSION_IS_LOCKED")
        if session is None and wanted.must_exist:
            text = f"Session {wanted.session_id} not found"
            raise ClickHouseError(SESSION_NOT_FOUND, text, "SESSION_NOT_FOUND")
        if session is None:
            self._make_room()
            session = self._sessions[key] = NamedSession(key, readonly)
        session.busy = True
        return session

    def reserve(self, session: NamedSession) -> Callable[[], KeptSession]:
        """A place for the session's connection, and the function that opens it, to be called in any thread.

        Raises ClickHouseError 700 where all places are taken.
        """
        if self._kept >= self._most:
            text = (
                f"{self._most} sessions have settings or temporary tables of their own, and there may be no more: end "
                "one with close_session=1, or wait until one is over (session_timeout)"
            )
            raise ClickHouseError(USER_SESSION_LIMIT_EXCEEDED, text, "USER_SESSION_LIMIT_EXCEEDED")
        self._kept += 1

        def opened() -> KeptSession:
            session.connection = self._open(session.readonly)
            return session.connection

        return opened

    def unreserve(self) -> None:
        """Give a place back whose connection could not be opened."""
        self._kept -= 1

    def leave(self, session: NamedSession, wanted: WantedSession) -> None:
        """Unlock it for as long as the request said, or end it where the request said so."""
        session.busy = False
        session.expires_s = self._clock() + wanted.timeout_s
        self._sessions[session.key] = self._sessions.pop(session.key)
        if wanted.closes:
            self._end(session)

    def expire(self) -> None:
        """End those that were left alone for too long."""
        now = self._clock()
        for session in tuple(self._sessions.values()):
            if not session.busy and session.expires_s <= now:
                self._end(session)

    def close(self) -> None:
        """End all of them."""
        for session in tuple(self._sessions.values()):
            self._end(session)

    def _make_room(self) -> None:
        if len(self._sessions) >= _MOST_NAMES:
            idle = next((one for one in self._sessions.values() if not one.busy and one.connection is None), None)
            if idle is not None:
                self._end(idle)

    def _end(self, session: NamedSession) -> None:
        del self._sessions[session.key]
        if session.connection is not None:
            session.connection.close()
            self._kept -= 1
