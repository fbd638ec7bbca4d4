"""The socket that a runner listens on: made outside of the sandbox and handed in, so no model needs a folder for it.

It becomes the runner's standard input, the one descriptor whose number nobody has to agree on.
"""

import os
import socket
from pathlib import Path

BACKLOG = 512
"""Connections that wait while Python starts; the kernel takes 4096 at most unless told otherwise."""
_STDIN = 0


def bind(path: Path) -> socket.socket:
    """Listen at this path, in place of whoever did before. The folder around it must be ours alone.

    Raises:
        OSError: it cannot be made, or the path is too long.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def inherited() -> socket.socket:
    """The socket that this process was started with; what reads standard input from now on finds its end.

    Raises:
        OSError: there is none.
    """
    listener = socket.socket(fileno=os.dup(_STDIN))
    try:
        listening = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        listener.detach()
        raise
    if not listening:
        listener.close()
        raise OSError("standard input is a socket that does not listen")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, _STDIN, inheritable=False)
    os.close(nothing)
    return listener
