"""One listening TCP socket: accepts no faster and no more than the limits allow (C2, O1)."""

import asyncio
import errno
import socket
import time
from collections.abc import Callable

from torrentd.daemon.admission import Admission, TokenBucket
from torrentd.daemon.logs import get_logger
from torrentd.wire.formats.address import Address, is_ipv6

BACKLOG = 128
ACCEPTS_PER_TURN_MAX = 16  # the loop has other things to do
EXHAUSTED_PAUSE_S = 1.0
# Not the peer's doing: this process or machine has run out of something.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log = get_logger("tcp")


class Listener:
    """Hands every admitted socket to `on_accepted`, which owns it from then on."""

    def __init__(
        self,
        bound: Address,
        admission: Admission,
        accepts: TokenBucket,
        on_accepted: Callable[[socket.socket, Address], None],
    ) -> None:
        self.bound = bound
        self._admission = admission
        self._accepts = accepts
        self._on_accepted = on_accepted
        self._socket: socket.socket | None = None
        self._resume: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Bind and listen; OSError when the address cannot be had."""
        self._socket = bind_listening_socket(self.bound)
        self.bound = Address(self.bound.host, self._socket.getsockname()[1])
        asyncio.get_running_loop().add_reader(self._socket, self._accept_ready)

    def close(self) -> None:
        if self._resume is not None:
            self._resume.cancel()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _accept_ready(self) -> None:
        for _ in range(ACCEPTS_PER_TURN_MAX):
            wait_s = self._accepts.wait_s(time.monotonic())
            if wait_s:
                self._pause(wait_s)
                return
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """False when there is nothing more to accept now."""
        assert self._socket is not None
        try:
            sock, name = self._socket.accept()
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in EXHAUSTED:
                return True  # the peer was gone before we came
            log.warning("cannot accept connections for a while", cause=str(error))
            self._pause(EXHAUSTED_PAUSE_S)
            return False
        self._accepts.take(time.monotonic())
        address = Address(name[0], name[1])
        if not self._admission.admits(address.host):
            self._admission.refused += 1
            sock.close()
            return True
        sock.setblocking(False)
        self._on_accepted(sock, address)
        return True

    def _pause(self, delay_s: float) -> None:
        """Leave the rest in the kernel's queue for a while."""
        assert self._socket is not None
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        self._resume = loop.call_later(delay_s, self._listen_again)

    def _listen_again(self) -> None:
        self._resume = None
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._accept_ready)


def bind_listening_socket(address: Address) -> socket.socket:
    """A listening TCP socket; an IPv6 one takes IPv6 alone, so that each family has its own."""
    family = socket.AF_INET6 if is_ipv6(address.host) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address.host, address.port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
