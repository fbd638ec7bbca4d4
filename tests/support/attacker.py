# mypy: ignore-errors
"""The code of a hostile model. It is copied into model folders, so it uses the standard library alone.

Each attack returns what it got hold of; what stops it raises.
"""

import ctypes
import mmap
import os
import re
import resource
import socket
import subprocess
import sys
import time


def read(target):
    with open(target, "rb") as file:
        return file.read(200).decode(errors="replace")


def listing(target):
    return " ".join(os.listdir(target))


def write(target):
    with open(target, "w") as file:
        file.write("attacked")
    return "written"


def open_to_write(target):
    """Without writing: what it would change is the kernel's."""
    os.close(os.open(target, os.O_WRONLY))
    return "opened"


def remove(target):
    os.unlink(target)
    return "removed"


def change_mode(target):
    os.chmod(target, 0o777)  # noqa: S103
    return "changed"


def environments(target):
    """Of every process that can be seen, its own and the sandbox's among them, and of all below a number."""
    secret, most = target.split()
    try:
        seen = os.listdir("/proc")
    except OSError:
        seen = []
    found = []
    for name in [*seen, *map(str, range(int(most) + 1))]:
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                found += [name] if secret.encode() in file.read() else []
        except OSError:
            continue
    if not found:
        raise LookupError("no process shows it")
    return f"in {found}"


def connect(port):
    socket.create_connection(("127.0.0.1", int(port)), timeout=2).close()
    return "connected"


def send_datagram(port):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", int(port)))
    return "sent"


def connect_unix(path):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path.replace("@", "\0"))
    return "connected"


def fork(_):
    child = os.fork()
    if child == 0:
        os._exit(0)
    return "forked"


def spawn(_):
    return subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, check=True).stdout.decode()


def threads(_):
    import threading

    stop = threading.Event()
    started = []
    try:
        while len(started) < 5000:
            started.append(threading.Thread(target=stop.wait, daemon=True))
            started[-1].start()
    finally:
        stop.set()
    return f"{len(started)} threads"


def signal_other(pid):
    os.kill(int(pid), 0)
    return "signalled"


def signal_all(_):
    os.kill(-1, 0)
    return "signalled"


def own_signal(_):
    os.kill(os.getpid(), 0)
    return "signalled itself"


def become_root(_):
    if os.getuid() == 0:
        # A root without capabilities: what a root may do is tried.
        os.chown("/", 0, 0)
    os.setuid(0)
    return "root"


def raise_limit(_):
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return "raised"


def shared_memory(_):
    mmap.mmap(-1, 50_000_000)
    return "mapped"


def call(numbers):
    """System calls by their numbers, with arguments that none of them accepts: were one to come through, it would fail
    for another reason than that it is refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    passed = []
    for number in numbers.split():
        result = libc.syscall(int(number), *[ctypes.c_long(-1)] * 6)
        if not (result == -1 and ctypes.get_errno() in (1, 38)):
            passed.append(number)
    if passed:
        return f"passed: {passed}"
    raise PermissionError("all refused")


def fill_tmp(_):
    with open("/tmp/big", "wb") as file:
        for _ in range(400):
            file.write(b"x" * 1_000_000)
    return "filled"


def write_tmp(_):
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    return "written"


def answer(target):
    return target


def sleep(seconds):
    time.sleep(float(seconds))
    return "awake"


def hold(_):
    """Computes without ever letting go of the interpreter."""
    return str(re.match(r"(a+)+$", "a" * 60 + "b"))


def memory(_):
    kept = []
    while True:
        kept.append(bytearray(50_000_000))


def loop(_):
    while True:
        pass


def fork_bomb(_):
    while True:
        os.fork()


def suicide(_):
    os.kill(os.getpid(), 9)


class Model:
    def predict(self, rows):
        return [attempt(str(act), str(target)) for act, target in rows]


def attempt(act, target):
    if act in ("sleep", "hold", "memory"):
        return globals()[act](target)
    try:
        return f"GOT {globals()[act](target)}"
    except BaseException as error:
        return f"stopped by {type(error).__name__}: {error}"


def load(attack):
    if attack:
        name, _, target = attack.partition(" ")
        globals()[name](target)
    return Model()
