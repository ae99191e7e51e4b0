"""What addresses this machine has, from which ones it speaks to the world, and that this changed.

Reading is quick and waits for nobody: a dump over rtnetlink(7), and for each family the address
that the kernel would send from, which a UDP socket tells by being connected (no packet leaves).
Where netlink is forbidden, only the latter is known, and only by asking from time to time.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass

from torrentd.daemon.logs import get_logger
from torrentd.daemon.netlink import (
    GROUPS,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    RTM_NEWADDR,
    NetlinkError,
    decode_address,
    decode_messages,
    encode_dump_request,
)

SETTLE_S = 0.3  # a change comes as a dozen events
DATAGRAM_BYTES_MAX = 256 * 1024
ATTEMPTS = 3  # a dump that a change interrupted is asked for again
DATAGRAMS_MAX = 10_000  # of one dump; 64 KiB of addresses each
EVENTS_PER_TURN_MAX = 64
TIMEOUT_S = 1.0  # the kernel answers within the call; if it ever does not, the loop goes on
# Somewhere in the world (an address of ICANN's root server L); nothing is ever sent there.
WORLD = {socket.AF_INET: "199.7.83.42", socket.AF_INET6: "2001:500:9f::42"}

log = get_logger("network")


@dataclass(frozen=True, slots=True)
class MachineNetwork:
    """`addresses` are those that can be bound, None where that cannot be known. The others are
    where packets to the world leave from, None while they cannot."""

    addresses: frozenset[str] | None
    ipv4: str | None = None
    ipv6: str | None = None

    @property
    def sources(self) -> tuple[str | None, str | None]:
        return self.ipv4, self.ipv6

    @property
    def reachable(self) -> frozenset[str]:
        """Those that others can speak to: neither loopback nor link-local."""
        return frozenset(filter(_reaches_others, self.addresses or ()))

    @property
    def is_there(self) -> bool:
        return bool(self.reachable) or any(self.sources)


def read_network() -> MachineNetwork:
    """As of now."""
    return MachineNetwork(
        read_addresses(), _world_source(socket.AF_INET), _world_source(socket.AF_INET6)
    )


def read_addresses() -> frozenset[str] | None:
    """Every address of the machine in text, loopback too; None where the kernel does not tell."""
    for sequence in range(1, ATTEMPTS + 1):
        try:
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
                sock.settimeout(TIMEOUT_S)
                sock.sendto(encode_dump_request(sequence), (0, 0))
                found = _receive_dump(sock, sequence)
        except (OSError, NetlinkError) as error:
            log.debug("addresses cannot be read", cause=str(error))
            continue
        if found is not None:
            return found
    return None


def _receive_dump(sock: socket.socket, sequence: int) -> frozenset[str] | None:
    """None when it was interrupted or refused, and so may miss something."""
    found: set[str] = set()
    for _ in range(DATAGRAMS_MAX):
        for message in decode_messages(_receive(sock)):
            if message.sequence != sequence:
                continue
            if message.flags & NLM_F_DUMP_INTR or message.type == NLMSG_ERROR:
                return None
            if message.type == NLMSG_DONE:
                return frozenset(found)
            if message.type == RTM_NEWADDR and (address := decode_address(message.payload)):
                found.add(address)
    return None


def _receive(sock: socket.socket) -> bytes:
    """What the kernel says; other processes may write to a netlink socket too, and are ignored."""
    data, (port, _) = sock.recvfrom(DATAGRAM_BYTES_MAX)
    return data if port == 0 else b""


def _world_source(family: socket.AddressFamily) -> str | None:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((WORLD[family], 9))
            return str(sock.getsockname()[0])
    except OSError:  # no route, or no such family here
        return None


def _reaches_others(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return not (address.is_loopback or address.is_link_local)


class Interfaces:
    """Calls `on_change` soon after links, addresses or routes changed, once for many events."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> bool:
        """False where the kernel does not let us listen."""
        try:
            sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        except OSError as error:
            log.warning("changes of the network are not told here", cause=error.strerror)
            return False
        try:
            sock.setblocking(False)
            sock.bind((0, GROUPS))
        except OSError as error:
            sock.close()
            log.warning("changes of the network are not told here", cause=error.strerror)
            return False
        self._socket = sock
        self._loop.add_reader(sock, self._readable)
        return True

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _readable(self) -> None:
        """Whatever it is, even that events were lost (ENOBUFS): it is a change."""
        assert self._socket is not None
        for _ in range(EVENTS_PER_TURN_MAX):
            try:
                _, (port, _) = self._socket.recvfrom(DATAGRAM_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError:
                port = 0
            if port == 0 and self._timer is None:
                self._timer = self._loop.call_later(SETTLE_S, self._settled)

    def _settled(self) -> None:
        self._timer = None
        self._on_change()
