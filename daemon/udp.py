"""The UDP endpoint of one listen address, shared by everything that speaks UDP there.

A datagram's first byte says whose it is: `d` opens a KRPC dictionary (BEP 5); the rest may one day
be uTP (BEP 29), and is dropped and counted by the kernel until then. An endpoint never stays
closed: when its socket fails, or cannot be had at `renew`, it gets another one. Only `shut` and
`close` end that.

It is no transport of the loop, which makes two system calls and converts two addresses for each
question and its answer. Those of a batch (`datagrams`) leave together, and one turn of the loop
takes as many batches as a slice of time allows: a flood keeps it from nothing else, and whatever it
drops costs little. A common get_peers then costs 30 calls of Python's, 8 for the batch apart, and
of the two system calls a sixty-fourth part.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from functools import lru_cache

from torrentd.daemon.datagrams import (
    BATCH_MAX,
    DATAGRAM_BYTES_MAX,
    SOURCES_CACHED,
    Outgoing,
    Received,
    dropped_by_kernel,
    keep_krpc_only,
)
from torrentd.daemon.logs import get_logger
from torrentd.daemon.tasks import Tasks
from torrentd.wire.formats.address import Address, AddressPolicy, is_ipv6

RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024  # outlives a pause of the loop at 20,000 datagrams a second
SLICE_S = 0.002  # of a turn of the loop, which then does what else there is to do
REOPEN_FIRST_S = 0.1
REOPEN_MAX_S = 30.0

log = get_logger("udp")

# Called with the endpoint that received them, so that an answer can leave from the same address.
DatagramReceiver = Callable[["UdpEndpoint", list[tuple[bytes, Address]]], None]


class UdpEndpoint:
    """One bound socket. `on_krpc` is called with every batch of datagrams that may be KRPC; what is
    sent meanwhile leaves after it."""

    def __init__(
        self, bound: Address, policy: AddressPolicy, on_krpc: DatagramReceiver, tasks: Tasks
    ) -> None:
        self.bound = bound
        self.ipv6 = is_ipv6(bound.host)
        self.unsent = 0
        self._policy = policy
        self._may_send = lru_cache(SOURCES_CACHED)(self._is_allowed)
        self._on_krpc = on_krpc
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._received = Received(ipv6=self.ipv6)
        self._outgoing = Outgoing(ipv6=self.ipv6)
        self._in_batch = False
        self._dropped_before = 0  # by sockets that are closed
        self._is_wanted = False
        self._is_reopening = False
        self._retry = asyncio.Event()

    def open(self) -> None:
        """Bind; OSError when the address cannot be had. `bound` has the real port afterwards."""
        self._is_wanted = False
        self._bind()
        self._is_wanted = True

    def renew(self) -> None:
        """Another socket at the same address, now; while it cannot be had, as soon as it can."""
        self._retry.set()
        if self._is_wanted and self._socket is not None:
            self._close_socket()
            self._reopen()

    def shut(self) -> None:
        """Let the address go; `open` may take it again."""
        self._is_wanted = False
        self._retry.set()
        self._close_socket()

    close = shut

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    @property
    def dropped(self) -> int:
        """Datagrams that nobody looked at: no KRPC by their looks, or no room for them."""
        now = dropped_by_kernel(self._socket) if self._socket is not None else 0
        return self._dropped_before + now

    def send(self, data: bytes, address: Address) -> None:
        """Send; or drop and count, when the address is forbidden or foreign, or no room for it."""
        sock = self._socket
        if sock is None or not self._may_send(address, self._policy.generation):
            self.unsent += 1
        elif self._in_batch and len(data) <= DATAGRAM_BYTES_MAX:
            if not self._outgoing.add(data, address):
                self._flush()
                self._outgoing.add(data, address)
        else:
            try:
                sock.sendto(data, address)
            except OSError:
                self.unsent += 1

    def _is_allowed(self, address: Address, generation: int) -> bool:
        return is_ipv6(address.host) is self.ipv6 and self._policy.allows_node(address)

    def _read(self) -> None:
        """What waits; no more than a slice of time allows."""
        until = time.monotonic() + SLICE_S
        while (sock := self._socket) is not None:
            try:
                batch = self._received.receive(sock.fileno())
            except OSError as error:
                log.warning("UDP endpoint failed", address=str(self.bound), cause=str(error))
                self._close_socket()
                self._try_later()
                return
            self._in_batch = True
            try:
                self._on_krpc(self, batch)
            finally:
                self._in_batch = False
                self._flush()
            if len(batch) < BATCH_MAX or time.monotonic() >= until:
                return

    def _flush(self) -> None:
        if self._socket is not None:
            self.unsent += self._outgoing.send(self._socket.fileno())

    def _bind(self) -> None:
        sock = bind_datagram_socket(self.bound)
        self.bound = Address(self.bound.host, sock.getsockname()[1])
        self._socket = sock
        self._loop.add_reader(sock.fileno(), self._read)

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._flush()
            self._loop.remove_reader(self._socket.fileno())
            self._dropped_before = self.dropped
            self._socket.close()
            self._socket = None

    def _reopen(self) -> None:
        try:
            self._bind()
        except OSError as error:
            log.warning("UDP endpoint stays closed", address=str(self.bound), cause=str(error))
            self._try_later()

    def _try_later(self) -> None:
        if not self._is_reopening:
            self._is_reopening = True
            self._tasks.spawn(self._keep_trying(), f"reopen udp {self.bound}")

    async def _keep_trying(self) -> None:
        delay_s = REOPEN_FIRST_S
        while self._lacks_socket():
            self._retry.clear()
            try:
                async with asyncio.timeout(delay_s):
                    await self._retry.wait()
            except TimeoutError:
                delay_s = min(delay_s * 2, REOPEN_MAX_S)
            if self._lacks_socket():
                self._reopen()
        self._is_reopening = False

    def _lacks_socket(self) -> bool:
        return self._is_wanted and self._socket is None


def bind_datagram_socket(address: Address) -> socket.socket:
    """A bound UDP socket; an IPv6 one takes IPv6 alone, so that each family has its own."""
    family = socket.AF_INET6 if is_ipv6(address.host) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with contextlib.suppress(OSError):  # a kernel without filters: the node's gate drops them
            keep_krpc_only(sock)
        sock.bind((address.host, address.port))
    except OSError:
        sock.close()
        raise
    return sock
