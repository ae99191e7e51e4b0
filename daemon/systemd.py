"""What systemd and we tell each other: sd_notify(3), the watchdog, sockets handed over.

    supervisor = Supervisor(os.environ)        # every call is a no-op when nobody listens
    supervisor.reloading() … supervisor.ready("12 torrents, 230 DHT nodes")
    interval_s = supervisor.watchdog_interval_s    # None, or how often to call watchdog()
    supervisor.extend_timeout(30)              # a slow start or stop that is getting on
    supervisor.stopping("saving the state")
    sock = inherited_control_socket(os.environ)    # a listening Unix socket, or None

No method raises and none waits: a supervisor that does not read must not stop the loop.
"""

import os
import socket
import time
from collections.abc import Mapping, MutableMapping

from torrentd.daemon.printable import printable

LISTEN_FDS_START = 3  # SD_LISTEN_FDS_START
LISTEN_FDS_MAX = 64  # we need one; more is a unit file gone wrong


class Supervisor:
    """The service manager at `$NOTIFY_SOCKET`, or nobody."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_interval_s = _watchdog_interval_s(environ)

    @property
    def listens(self) -> bool:
        """Somebody wants to hear."""
        return bool(self._address)

    def ready(self, status: str = "") -> bool:
        """Started, or done with a reload. True: the message was taken, as for all below."""
        return self._notify("READY=1", *_status(status))

    def status(self, text: str) -> bool:
        """The sentence `systemctl status` shows."""
        return self._notify(*_status(text))

    def reloading(self) -> bool:
        """Must be followed by `ready`."""
        usec = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        return self._notify("RELOADING=1", f"MONOTONIC_USEC={usec}")

    def stopping(self, status: str = "") -> bool:
        return self._notify("STOPPING=1", *_status(status))

    def watchdog(self) -> bool:
        """The loop turns. To be called from the loop itself, never from a thread."""
        return self._notify("WATCHDOG=1")

    def extend_timeout(self, seconds: float) -> bool:
        """Not ready or stopped yet, but sound: wait this long from now before killing us."""
        return self._notify(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}")

    def _notify(self, *assignments: str) -> bool:
        if not self._address or not assignments:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.sendto("\n".join(assignments).encode(), self._address)
        except (OSError, ValueError):  # gone, full, or an address that is none
            return False
        return True


def _status(text: str) -> tuple[str, ...]:
    """One line, whatever name of a torrent is in it: a line break would begin an assignment."""
    return (f"STATUS={printable(text)}",) if text else ()


def _watchdog_interval_s(environ: Mapping[str, str]) -> float | None:
    """A third of the time after which we would be killed: two calls may be late."""
    usec = environ.get("WATCHDOG_USEC", "")
    if not usec.isascii() or not usec.isdigit() or int(usec) == 0:
        return None
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(usec) / 3_000_000


def inherited_control_socket(
    environ: MutableMapping[str, str], first_fd: int = LISTEN_FDS_START
) -> socket.socket | None:
    """The listening Unix stream socket of a socket unit; whatever else was handed over is closed.

    The variables are removed from `environ`, so that a second call finds nothing.
    """
    pid = environ.pop("LISTEN_PID", "")
    count_text = environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count_text.isascii() or not count_text.isdigit():
        return None
    found: socket.socket | None = None
    for fd in range(first_fd, first_fd + min(int(count_text), LISTEN_FDS_MAX)):
        sock = _listening_unix_socket(fd)
        if sock is None:
            continue
        if found is None:
            found = sock
        else:
            sock.close()
    return found


def _listening_unix_socket(fd: int) -> socket.socket | None:
    try:
        sock = socket.socket(fileno=fd)
    except OSError:  # not a socket, or not open
        return None
    stream = sock.family == socket.AF_UNIX and sock.type == socket.SOCK_STREAM
    if not stream or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.close()
        return None
    sock.set_inheritable(False)
    return sock
