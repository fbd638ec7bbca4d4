"""How gateway and runner prove over TCP that they know the deployment's token, which never crosses the wire.

    runner  → Hello(nonce)
    gateway → Proof(its own nonce, MAC over both)
    runner  → Welcome(MAC over both)

Pure: the nonces come in as arguments. It keeps strangers out and false runners away. It does not encrypt what follows.
"""

import hmac

import msgspec

NONCE_BYTES = 32
MOST_BYTES = 256
"""Of a frame before the handshake is done: a stranger must not make a runner hold more."""
PATIENCE_S = 5.0
"""For the whole handshake."""
_GATEWAY = b"tidegate gateway 1"
_RUNNER = b"tidegate runner 1"


class Hello(msgspec.Struct, array_like=True, frozen=True):
    nonce: bytes


class Proof(msgspec.Struct, array_like=True, frozen=True):
    nonce: bytes
    mac: bytes


class Welcome(msgspec.Struct, array_like=True, frozen=True):
    mac: bytes


def proof(token: str, hello: Hello, nonce: bytes) -> Proof:
    """The gateway's answer.

    Args:
        nonce: NONCE_BYTES of randomness, new for each connection.
    """
    return Proof(nonce, _mac(token, _GATEWAY, hello.nonce, nonce))


def is_gateway(token: str, hello: Hello, given: Proof) -> bool:
    """Whether who answered knows the token. In constant time."""
    sane = len(given.nonce) == NONCE_BYTES
    return hmac.compare_digest(given.mac, _mac(token, _GATEWAY, hello.nonce, given.nonce)) and sane


def welcome(token: str, hello: Hello, given: Proof) -> Welcome:
    """The runner's proof."""
    return Welcome(_mac(token, _RUNNER, hello.nonce, given.nonce))


def is_runner(token: str, hello: Hello, sent: Proof, given: Welcome) -> bool:
    """Whether who welcomes knows the token. In constant time."""
    return hmac.compare_digest(given.mac, _mac(token, _RUNNER, hello.nonce, sent.nonce))


def _mac(token: str, who: bytes, runners_nonce: bytes, gateways_nonce: bytes) -> bytes:
    # All parts have a fixed length, so no two messages have the same bytes.
    return hmac.digest(token.encode(), who + runners_nonce + gateways_nonce, "sha256")
