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


def datagram_pair(target):
    """A pair of datagram sockets needs no connect: one of them can be told an address."""
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.sendto(b"x", target.replace("@", "\0"))
    return "sent"


def stream_pair(target):
    """The pair that is allowed, since event loops need it."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        one.sendto(b"x", target.replace("@", "\0"))
    except OSError:
        one.sendmsg([b"x"], [], 0, target.replace("@", "\0"))
    return f"sent, to {other.recv(1)}"


def sockets(families):
    """Sockets of other kinds: netlink, vsock, the kernel's ciphers, Bluetooth, packets."""
    passed = []
    for each in families.split():
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            try:
                socket.socket(int(each), kind)
            except PermissionError:
                continue
            except OSError as error:
                # Of another reason than that it is refused: the kernel has none, and who knows of the next.
                passed.append(f"{each}: {error}")
            else:
                passed.append(each)
    if passed:
        return f"made: {passed}"
    raise PermissionError("all refused")


def listen_elsewhere(name):
    """An abstract address of its own, where nobody but the model knows who listens."""
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    one.bind("\0" + name)
    return "bound"


def affinity(_):
    os.sched_setaffinity(0, range(os.cpu_count()))
    return f"{len(os.sched_getaffinity(0))} CPUs"


def priority(_):
    os.setpriority(os.PRIO_PROCESS, 0, 5)
    return "changed"


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


def small_threads(_):
    """So small that memory does not stop them: it is process numbers that run out, for the whole machine."""
    import threading

    before = threading.stack_size(32_768)
    stop = threading.Event()
    started = []
    try:
        while len(started) < 5000:
            started.append(threading.Thread(target=stop.wait, daemon=True))
            started[-1].start()
    finally:
        stop.set()
        threading.stack_size(before)
    return f"{len(started)} threads"


def truncate(target):
    os.truncate(target, 0)
    return "truncated"


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


LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = LIBC.mremap.restype = ctypes.c_void_p
FAILED = ctypes.c_void_p(-1).value
HOARD = 300_000_000


def fill(address, size=HOARD):
    """Whether every page can be had."""
    for offset in range(0, size, 4096):
        ctypes.memset(address + offset, 1, 1)
    return f"{size} bytes"


def mapped(protection, flags, file=-1, size=HOARD):
    found = LIBC.mmap(None, ctypes.c_size_t(size), protection, flags, file, ctypes.c_long(0))
    if found in (None, FAILED):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return found


def grows_down(_):
    """A stack is no data for the kernel."""
    return fill(mapped(3, 0x122))


def shared_zeros(_):
    with open("/dev/zero", "r+b") as file:
        return fill(mapped(3, 1, file.fileno()))


def shared_zeros_read(_):
    """Pages that are only read are made as well."""
    with open("/dev/zero", "rb") as file:
        found = mapped(1, 1, file.fileno())
        return f"{sum(ctypes.string_at(found + offset, 1)[0] for offset in range(0, HOARD, 4096))}"


def shared_anonymous(_):
    return fill(mapped(3, 0x21))


def shared_validated(_):
    return fill(mapped(3, 0x23))


def larger_stack(_):
    """Of its main thread, beyond what it was given."""
    resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return "raised"


def moved_stack(_):
    """A page of the main thread's stack, moved away and made larger: what it becomes counts as stack, not as data."""
    with open("/proc/self/maps") as file:
        line = next(line for line in file if "[stack]" in line)
    # The lowest page of it, which nobody uses at the moment.
    start = int(line.split("-")[0], 16)
    found = LIBC.mremap(ctypes.c_void_p(start), ctypes.c_size_t(4096), ctypes.c_size_t(HOARD), 1)
    if found in (None, FAILED):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return fill(found)


def own_memory(_):
    """Pages that it may only read are no data; the kernel writes to them for who has them open as a file."""
    found = mapped(1, 0x22)
    file = os.open("/proc/self/mem", os.O_RDWR)
    for offset in range(0, HOARD, 4096):
        os.pwrite(file, b"x", found + offset)
    return "written"


def many_sockets(_):
    """What is sent and never read lies in the kernel."""
    kept = []
    held = 0
    try:
        while True:
            kept.append(socket.socketpair())
            kept[-1][0].setblocking(False)
            try:
                while True:
                    held += kept[-1][0].send(b"x" * 65536)
            except BlockingIOError:
                continue
    except OSError:
        if held > 100_000_000:
            return f"{held} bytes"
        raise


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


def fill_file(target):
    with open(target, "wb") as file:
        file.writelines(b"x" * 1_000_000 for _ in range(400))
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
