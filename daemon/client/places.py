"""Where the daemon's socket is, and the way in."""

import os
import socket

from torrentd.daemon.client.errors import NoDaemon

CONNECT_S = 10.0  # a daemon that is alive lets us in sooner
RETRY_S = 0.02
SYSTEM_SOCKET = "/run/torrentd/control.sock"


def socket_path(option: str | None = None) -> str:
    """`option`, $TORRENTCTL_SOCKET, the user's own daemon if it has a socket, the system's."""
    chosen = option or os.environ.get("TORRENTCTL_SOCKET")
    if chosen:
        return os.path.abspath(chosen)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    own = os.path.join(runtime or state, "torrentd", "control.sock")
    return own if os.path.exists(own) else SYSTEM_SOCKET


def knock(path: str) -> socket.socket | None:
    """A connected, non-blocking socket; None where the daemon is alive and the queue at its door is
    long. On a Unix socket a connect never waits: it is through, or it is not."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        sock.connect(path)
    except BlockingIOError:
        sock.close()
        return None
    except OSError as error:
        sock.close()
        raise NoDaemon(_why_not(path, error)) from None
    return sock


def _why_not(path: str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"you may not use the socket {path}: join its group, or become its user"
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"no daemon at {path}; start torrentd, or name its socket with --socket"
    return f"no daemon at {path}: {error.strerror or error}"
