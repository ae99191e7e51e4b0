"""Where strangers come in: for each listen address one TCP listener and one UDP endpoint.

An address of a machine may be absent for a while or for ever (no IPv6). A wildcard that cannot be
bound is left out with a warning; any other failure keeps the daemon from starting, since somebody
asked for that address and no other (O4).
"""

import ipaddress
import socket
from collections.abc import Callable

from torrentd.daemon.admission import Admission, TokenBucket
from torrentd.daemon.listener import Listener
from torrentd.daemon.logs import get_logger
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.udp import DatagramReceiver, UdpEndpoint
from torrentd.wire.formats.address import Address, AddressPolicy

log = get_logger("doors")


class Doors:
    """`open` raises OSError; whatever was opened before is closed again then."""

    def __init__(self, addresses: list[Address], policy: AddressPolicy, tasks: Tasks) -> None:
        self.addresses = addresses  # those that could be bound, after `open`
        self.endpoints: list[UdpEndpoint] = []
        self.warnings: list[str] = []
        self._policy = policy
        self._tasks = tasks
        self._listeners: list[Listener] = []

    async def open(
        self,
        admission: Admission,
        accepts: TokenBucket,
        on_accepted: Callable[[socket.socket, Address], None],
        on_krpc: DatagramReceiver | None,
    ) -> None:
        """`on_krpc` None: no DHT, and so no UDP."""
        bound = []
        try:
            for address in self.addresses:
                listener = Listener(address, admission, accepts, on_accepted)
                try:
                    listener.open()
                    if on_krpc is not None:
                        endpoint = UdpEndpoint(address, self._policy, on_krpc, self._tasks)
                        await endpoint.open()
                        self.endpoints.append(endpoint)
                except OSError as error:
                    listener.close()
                    self._leave_out(address, error)
                    continue
                self._listeners.append(listener)
                bound.append(address)
        except OSError:
            self.close()
            raise
        if not bound:
            raise OSError("; ".join(self.warnings))
        self.addresses = bound

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()
        for endpoint in self.endpoints:
            endpoint.close()

    def _leave_out(self, address: Address, error: OSError) -> None:
        sentence = f"cannot listen on {address}: {error.strerror}"
        if not ipaddress.ip_address(address.host).is_unspecified:
            raise OSError(error.errno, sentence) from error
        self.warnings.append(sentence)
        log.warning("listen address left out", address=str(address), cause=error.strerror)
