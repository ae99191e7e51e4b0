"""The control socket as a file: who may find it, who may use it, and what was there before.

The caller holds the lock of the state folder, so a socket nobody answers on is a dead daemon's and
is replaced. It gets its permissions before it listens and its name after, so at no instant is it
open to more people than it will be; no umask is touched, since disk threads create files meanwhile.
"""

import grp
import os
import pwd
import socket
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

BACKLOG = 1024  # the kernel cuts it to net.core.somaxconn
PATH_BYTES_MAX = 107  # sun_path holds 108 with its closing zero
PROBE_S = 1.0
_PEERCRED = struct.Struct("3i")  # pid, uid, gid


class ControlSocketError(OSError):
    """The socket cannot be made: one sentence with the path and what would be right."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may command: root, our own user, and the members of the group."""

    own_uid: int
    group_id: int | None

    def allows(self, uid: int, gid: int) -> bool:
        if uid in (0, self.own_uid):
            return True
        return self.group_id is not None and (gid == self.group_id or self._is_member(uid, gid))

    def _is_member(self, uid: int, gid: int) -> bool:
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            return False
        return self.group_id in os.getgrouplist(name, gid)


def find_group(name: str | None) -> int | None:
    """The number of `control.group`; without one, the daemon's own group, unless it is root's."""
    if name is None:
        return os.getegid() or None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ControlSocketError(f'control.group: there is no group "{name}"') from None


@dataclass(frozen=True, slots=True)
class Listener:
    """A non-blocking listening socket and its file; systemd keeps the file of one it gave us."""

    sock: socket.socket
    path: Path | None
    identity: tuple[int, int, int] = (0, 0, 0)

    def close(self) -> None:
        """Take the file away too, unless another daemon has put its own there since."""
        self.sock.close()
        try:
            if self.path is not None and _identity(self.path) == self.identity:
                self.path.unlink()
        except OSError:
            pass


def listen(path: Path, mode: int, group_id: int | None, key: str = "control.socket") -> Listener:
    """Listens at `path`, or raises ControlSocketError, which names the `key` that said so."""
    try:
        if len(os.fsencode(path)) > PATH_BYTES_MAX:
            raise ControlSocketError(f"{path} is longer than {PATH_BYTES_MAX} bytes")
        _prepare_directory(path.parent, group_id)
        _check_what_is_there(path)
        return _listen(path, mode, group_id)
    except ControlSocketError as error:
        raise ControlSocketError(f"{key}: {error}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ControlSocketError(f"{key}: cannot listen at {path}: {reason}") from None


def peer_credentials(client: socket.socket) -> tuple[int, int, int]:
    """pid, uid and gid of the process that connected, as the kernel noted them (SO_PEERCRED)."""
    raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEERCRED.size)
    pid, uid, gid = _PEERCRED.unpack(raw)
    return int(pid), int(uid), int(gid)


def _prepare_directory(directory: Path, group_id: int | None) -> None:
    if not directory.exists():
        directory.mkdir(mode=0o700, parents=True)
        if group_id is not None:
            os.chown(directory, -1, group_id)
            directory.chmod(0o750)
    found = directory.stat()
    if found.st_uid not in (0, os.geteuid()):
        raise ControlSocketError(f"{directory} belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ControlSocketError(
            f"others may write in {directory}; the socket needs a folder of its own"
        )


def _check_what_is_there(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ControlSocketError(f"{path} is there and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return
        except BlockingIOError:  # alive, with a long queue at its door
            pass
    raise ControlSocketError(f"another daemon answers at {path}")


def _listen(path: Path, mode: int, group_id: int | None) -> Listener:
    newcomer = path.with_name(f".{os.getpid():x}")  # short: a socket's path holds 107 bytes
    newcomer.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind(str(newcomer))
        if group_id is not None:
            os.chown(newcomer, -1, group_id)
        newcomer.chmod(mode)
        listener.listen(BACKLOG)
        newcomer.rename(path)
    except OSError:
        listener.close()
        newcomer.unlink(missing_ok=True)
        raise
    return Listener(listener, path, _identity(path))


def _identity(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino, found.st_ctime_ns
