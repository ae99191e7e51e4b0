"""The UDP endpoints of all listen addresses: from which of them a datagram leaves."""

from collections.abc import Sequence

from torrentd.daemon.udp import UdpEndpoint
from torrentd.dht.stats import Family
from torrentd.wire.formats.address import Address, is_ipv6


class Endpoints:
    """Some may be closed for a while, when their address is not there."""

    def __init__(self, endpoints: Sequence[UdpEndpoint] = ()) -> None:
        self._all = tuple(endpoints)

    @property
    def families(self) -> tuple[Family, ...]:
        """Of all of them, open or not: IPv4 first."""
        found = {endpoint.ipv6 for endpoint in self._all}
        return tuple("ipv6" if ipv6 else "ipv4" for ipv6 in sorted(found))

    @property
    def dropped(self) -> int:
        """Datagrams that were not even worth to be looked at."""
        return sum(endpoint.dropped for endpoint in self._all)

    def send(self, data: bytes, address: Address, received_by: UdpEndpoint | None) -> None:
        """An answer leaves from where the question came to, all else from the first open one."""
        ipv6 = is_ipv6(address.host)
        if received_by is not None and received_by.ipv6 is ipv6:
            received_by.send(data, address)
            return
        endpoint = self.speaker(ipv6=ipv6)
        if endpoint is not None:
            endpoint.send(data, address)

    def speaker(self, *, ipv6: bool) -> UdpEndpoint | None:
        """The first open one of the family: from there our searches leave."""
        for endpoint in self._all:
            if endpoint.ipv6 is ipv6 and endpoint.is_open:
                return endpoint
        return None

    def speaks_at(self, family: Family) -> str | None:
        """Where our first node of the family lives; None: nowhere at the moment."""
        speaker = self.speaker(ipv6=family == "ipv6")
        return None if speaker is None else str(speaker.bound)

    @property
    def further(self) -> list[UdpEndpoint]:
        """All but the first of each family."""
        firsts = {endpoint.ipv6: endpoint for endpoint in reversed(self._all)}
        return [endpoint for endpoint in self._all if firsts[endpoint.ipv6] is not endpoint]

    def renew(self, family: Family | None = None) -> None:
        """Other sockets at the same addresses; None: of both families."""
        for endpoint in self._all:
            if family in (None, "ipv6" if endpoint.ipv6 else "ipv4"):
                endpoint.renew()
