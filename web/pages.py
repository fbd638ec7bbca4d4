"""What a web page in somebody's browser may send to a port of this machine: nothing, unless its operator says so.

A browser sends a page's request to any address, the loopback too, and asks nobody as long as the request is a simple
one (a form, a POST of plain text). It does say so: by `Origin`, by `Sec-Fetch-Site`, and, where the page's own name was
turned into a loopback address (DNS rebinding), by a `Host` that is none of ours. Other clients send none of the three.
Pure, and one walk over the headers: every prediction goes through it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

LOOPBACK = frozenset({b"127.0.0.1", b"localhost", b"[::1]"})
_JUDGED = frozenset({b"host", b"origin", b"sec-fetch-site"})
_OWN_SITES = frozenset({b"none", b"same-origin"})
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class PageGuard:
    """Names are in lower case and have no port."""

    hosts: frozenset[bytes] | None = LOOPBACK
    """Names by which this may be asked; None where they cannot be known, since it listens beyond the loopback."""
    origins: frozenset[bytes] = frozenset()
    """Origins (`https://name[:port]`) whose pages may send requests."""
    any_origin: bool = False
    """Whether those of every origin may."""
    setting: str = ""
    """By what an operator allows an origin; empty where none can be allowed."""
    has_pages: bool = False
    """Whether this serves pages itself, which then may ask it: their origin is the host that they ask."""

    def refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Why this request is none of ours; None when it is.

        Args:
            headers: names in lower case, as in ASGI.
        """
        host, origin, site = b"", None, b"none"
        for name, value in headers:
            if name in _JUDGED:
                if name == b"host":
                    host = value.lower()
                    if self.hosts is not None and _name_of(host) not in self.hosts:
                        return _foreign_host(value)
                elif name == b"origin":
                    origin = value.lower() if origin is None else b"null"
                else:
                    site = value.lower()
        if origin is None:
            return None if site in _OWN_SITES else self._foreign_page(b"another site")
        if (
            self.any_origin
            or origin in self.origins
            or (self.has_pages and site in _OWN_SITES and self._is_own(origin, host))
        ):
            return None
        return self._foreign_page(origin)

    def _is_own(self, origin: bytes, host: bytes) -> bool:
        """Whether the page came from here: from the very host, which must be known, or an address, which is no name."""
        scheme, _, authority = origin.partition(b"://")
        is_known = self.hosts is not None or _is_address(_name_of(host))
        return scheme in (b"http", b"https") and is_known and bool(host) and authority == host

    def _foreign_page(self, origin: bytes) -> str:
        way = f", or allow the origin by {self.setting}" if self.setting else ""
        return (
            f"Pages of {_shown(origin)} may not send requests here: this one was sent by a browser. "
            f"Use another client{way}"
        )


def page_guard(
    bound: str, hosts: Iterable[str] = (), origins: Iterable[str] = (), *, has_pages: bool = False
) -> PageGuard:
    """The guard of what listens at the address `bound`; `hosts` and `origins` are what the operator allows beside.

    Beyond the loopback a host is judged only where `hosts` says which there are: nobody else knows the machine's names.
    """
    named = frozenset(_name_of(host.strip().lower().encode()) for host in hosts if host.strip())
    own = bound.lower().encode() if ":" not in bound else f"[{bound.lower()}]".encode()
    known = LOOPBACK | named | {own} if named or is_loopback(bound) else None
    setting = "TIDEGATE_ALLOWED_ORIGINS" if has_pages else ""  # Only where pages are served can any be allowed.
    return PageGuard(known, origins_of(origins), setting=setting, has_pages=has_pages)


def origins_of(listed: Iterable[str]) -> frozenset[bytes]:
    """Origins as browsers spell them, from how people do."""
    return frozenset(origin.strip().lower().rstrip("/").encode() for origin in listed if origin.strip())


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches what is bound there."""
    if address == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _name_of(host: bytes) -> bytes:
    """Without its port: `name[:port]`, or `[address][:port]`."""
    end = host.find(b"]") + 1 if host.startswith(b"[") else host.find(b":")
    return host if end <= 0 else host[:end]


def _is_address(name: bytes) -> bool:
    try:
        ip_address(name.decode("latin-1").strip("[]"))
    except ValueError:
        return False
    return True


def _foreign_host(host: bytes) -> str:
    return (
        f"This is not {_shown(host)}: a page may have had its own name turned into this address. Ask 127.0.0.1 or "
        "localhost, or allow the name by TIDEGATE_ALLOWED_HOSTS"
    )


def _shown(value: bytes) -> str:
    """As text without control characters, whatever came."""
    text = value[:_SHOWN].decode("ascii", "replace")
    return repr("".join(char if char.isprintable() else "?" for char in text))
