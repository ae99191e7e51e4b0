"""The UDP endpoint of one listen address, shared by everything that speaks UDP there.

A datagram's first byte says whose it is: `d` opens a KRPC dictionary (BEP 5); the rest may one day
be uTP (BEP 29), and is dropped and counted until then. An endpoint never stays closed: when the
loop takes its socket away, or `renew` does, it gets another one. Only `shut` and `close` end that.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import lru_cache

from torrentd.daemon.logs import get_logger
from torrentd.daemon.tasks import Tasks
from torrentd.wire.formats.address import Address, AddressPolicy, is_ipv6

DATAGRAM_BYTES_MIN = 20  # the shortest KRPC message is longer; the shortest uTP header is this
DATAGRAM_BYTES_MAX = 2048
RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024  # outlives a pause of the loop at 20,000 datagrams a second
REOPEN_FIRST_S = 0.1
REOPEN_MAX_S = 30.0
UNSETTLED_MAX = 256  # datagrams that wait for the next socket
SOURCES_CACHED = 4096
KRPC_FIRST_BYTE, KRPC_LAST_BYTE = b"de"

log = get_logger("udp")

# Called with the endpoint that received it, so that an answer can leave from the same address.
DatagramReceiver = Callable[["UdpEndpoint", bytes, Address], None]


class UdpEndpoint(asyncio.DatagramProtocol):
    """One bound socket. `on_krpc` is called with every datagram that passes the prefilter."""

    def __init__(
        self, bound: Address, policy: AddressPolicy, on_krpc: DatagramReceiver, tasks: Tasks
    ) -> None:
        self.bound = bound
        self.ipv6 = is_ipv6(bound.host)
        self.dropped = 0
        self.unsent = 0
        self._policy = policy
        self._may_send = lru_cache(SOURCES_CACHED)(self._is_allowed)
        self._on_krpc = on_krpc
        self._tasks = tasks
        self._transport: asyncio.DatagramTransport | None = None
        self._is_wanted = False
        self._retry = asyncio.Event()
        self._unsettled: list[tuple[bytes, Address]] | None = None  # not None: in `renew`
        self._full = False

    async def open(self) -> None:
        """Bind; OSError when the address cannot be had. `bound` has the real port afterwards."""
        self._is_wanted = False
        await self._bind()
        self._is_wanted = True

    def renew(self) -> None:
        """Another socket at the same address, now; while it cannot be had, as soon as it can. What
        is sent meanwhile waits for it."""
        self._retry.set()
        if self._transport is not None and self._unsettled is None:
            self._unsettled = []
            self._transport.abort()

    def shut(self) -> None:
        """Let the address go; `open` may take it again."""
        self._is_wanted = False
        self._retry.set()
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent from here; so it is while the socket is renewed."""
        return self._transport is not None or self._unsettled is not None

    async def _bind(self) -> None:
        sock = bind_datagram_socket(self.bound)
        self.bound = Address(self.bound.host, sock.getsockname()[1])
        loop = asyncio.get_running_loop()
        self._full = False
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=sock)

    def close(self) -> None:
        """For good; what was sent has time to leave."""
        self._is_wanted = False
        self._retry.set()
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes, address: Address) -> None:
        """Send; or drop and count, when the address is forbidden or foreign, or the queue full."""
        if self._unsettled is not None:
            if len(self._unsettled) < UNSETTLED_MAX:
                self._unsettled.append((data, address))
            return
        transport = self._transport
        if transport is None or self._full or not self._may_send(address, self._policy.generation):
            self.unsent += 1
            return
        try:
            transport.sendto(data, address)
        except (OSError, ValueError, OverflowError):
            self.unsent += 1

    def _is_allowed(self, address: Address, generation: int) -> bool:
        return is_ipv6(address.host) is self.ipv6 and self._policy.allows_node(address)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if (
            not DATAGRAM_BYTES_MIN <= len(data) <= DATAGRAM_BYTES_MAX
            or data[0] != KRPC_FIRST_BYTE
            or data[-1] != KRPC_LAST_BYTE
        ):
            self.dropped += 1
            return
        self._on_krpc(self, data, _canonical(addr))

    def pause_writing(self) -> None:
        """The kernel takes no more: until it does, datagrams are dropped, as the network would."""
        self._full = True

    def resume_writing(self) -> None:
        self._full = False

    def error_received(self, exc: Exception) -> None:
        """An ICMP error, or a send that failed later: it says nothing that a time-out will not."""
        self.unsent += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._is_wanted:
            log.info("UDP endpoint is opened again", address=str(self.bound))
            self._tasks.spawn(self._reopen(), f"reopen udp {self.bound}")

    async def _reopen(self) -> None:
        delay_s = REOPEN_FIRST_S
        while self._is_wanted and self._transport is None:
            try:
                await self._bind()
            except OSError as error:
                log.warning("UDP endpoint stays closed", address=str(self.bound), cause=str(error))
                self._unsettled = None
            else:
                self._settle()
                return
            self._retry.clear()
            try:
                async with asyncio.timeout(delay_s):
                    await self._retry.wait()
            except TimeoutError:
                delay_s = min(delay_s * 2, REOPEN_MAX_S)

    def _settle(self) -> None:
        unsettled, self._unsettled = self._unsettled or [], None
        for data, address in unsettled:
            self.send(data, address)
        if not self._is_wanted and self._transport is not None:
            self._transport.abort()  # closed while it was being opened


@lru_cache(SOURCES_CACHED)
def _canonical(addr: tuple[str, int]) -> Address:
    """Of what the socket told, which for IPv6 has more parts. The same source mostly comes again
    soon, and what is known of it is found faster under the same object."""
    return Address(addr[0], addr[1])


def bind_datagram_socket(address: Address) -> socket.socket:
    """A bound UDP socket; an IPv6 one takes IPv6 alone, so that each family has its own."""
    family = socket.AF_INET6 if is_ipv6(address.host) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address.host, address.port))
    except OSError:
        sock.close()
        raise
    return sock
