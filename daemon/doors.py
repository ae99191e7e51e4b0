"""Where strangers come in: for each listen address one TCP listener and one UDP endpoint.

An address of a machine may be absent for a while or for ever (no IPv6, no VPN yet). A wildcard that
cannot be bound and an address that the machine does not have stay closed with a warning, and `heed`
opens them when they can be had; any other failure keeps the daemon from starting, since somebody
asked for that address and no other (O4).
"""

import errno
import ipaddress
import socket
from collections.abc import Callable, Container

from torrentd.daemon.admission import Admission, TokenBucket
from torrentd.daemon.listener import Listener
from torrentd.daemon.logs import get_logger
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.udp import DatagramReceiver, UdpEndpoint
from torrentd.wire.formats.address import Address, AddressPolicy

log = get_logger("doors")


class Door:
    """TCP, and UDP where there is a DHT, at one address. `problem`: why it is closed."""

    def __init__(self, address: Address, listener: Listener, endpoint: UdpEndpoint | None) -> None:
        self.address = address
        self.endpoint = endpoint
        self.is_open = False
        self.problem: str | None = None
        self._listener = listener

    @property
    def is_wildcard(self) -> bool:
        return ipaddress.ip_address(self.address.host).is_unspecified

    async def open(self) -> None:
        """Both or none; OSError, whose sentence is the `problem`."""
        try:
            self._listener.open()
            if self.endpoint is not None:
                self.endpoint.open()
        except OSError as error:
            self._listener.close()
            self.problem = f"cannot listen on {self.address}: {error.strerror}"
            raise OSError(error.errno, self.problem) from error
        self.is_open = True
        self.problem = None

    def shut(self) -> None:
        """The machine does not have the address any more."""
        self._listener.close()
        if self.endpoint is not None:
            self.endpoint.shut()
        self.is_open = False
        self.problem = f"waiting for {self.address}: this machine does not have it at the moment"

    def close(self) -> None:
        self._listener.close()
        if self.endpoint is not None:
            self.endpoint.close()
        self.is_open = False


class Doors:
    """`open` raises OSError; whatever was opened before is closed again then."""

    def __init__(self, addresses: list[Address], policy: AddressPolicy, tasks: Tasks) -> None:
        self._wanted = addresses
        self._policy = policy
        self._tasks = tasks
        self._doors: list[Door] = []

    @property
    def addresses(self) -> list[Address]:
        """Those that are open."""
        return [door.address for door in self._doors if door.is_open]

    @property
    def endpoints(self) -> list[UdpEndpoint]:
        """Of all doors, the closed ones too: those may open one day."""
        return [door.endpoint for door in self._doors if door.endpoint is not None]

    @property
    def warnings(self) -> list[str]:
        return [door.problem for door in self._doors if door.problem is not None]

    async def open(
        self,
        admission: Admission,
        accepts: TokenBucket,
        on_accepted: Callable[[socket.socket, Address], None],
        on_krpc: DatagramReceiver | None,
    ) -> None:
        """`on_krpc` None: no DHT, and so no UDP."""
        for address in self._wanted:
            listener = Listener(address, admission, accepts, on_accepted)
            endpoint = None
            if on_krpc is not None:
                endpoint = UdpEndpoint(address, self._policy, on_krpc, self._tasks)
            self._doors.append(Door(address, listener, endpoint))
        may_come = False
        try:
            for door in self._doors:
                may_come |= await self._open_or_leave_out(door)
        except OSError:
            self.close()
            raise
        if not may_come:
            sentences = "; ".join(self.warnings)
            self.close()
            raise OSError(sentences)

    async def heed(self, gone: Container[str]) -> list[Address]:
        """The machine's addresses changed: let go of those that are gone, and open what can be had
        again. Returns what was opened."""
        opened: list[Address] = []
        for door in self._doors:
            if door.is_open and door.address.host in gone and not door.is_wildcard:
                door.shut()
                log.warning("listen address is gone", address=str(door.address))
            elif not door.is_open and await self._try_again(door):
                opened.append(door.address)
        return opened

    def close(self) -> None:
        for door in self._doors:
            door.close()

    async def _open_or_leave_out(self, door: Door) -> bool:
        """Whether somebody may come in there, now or when the machine has the address."""
        try:
            await door.open()
        except OSError as error:
            is_absent = error.errno == errno.EADDRNOTAVAIL
            if not door.is_wildcard and not is_absent:
                raise
            log.warning("listen address left out", problem=door.problem)
            return is_absent
        return True

    async def _try_again(self, door: Door) -> bool:
        try:
            await door.open()
        except OSError:
            return False
        log.info("listen address is open", address=str(door.address))
        return True
