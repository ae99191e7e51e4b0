"""Our own address as others see it, and whom it gives priority (BEP 40)."""

from torrentd.wire.formats.address import Address, is_ipv6
from torrentd.wire.formats.peer_priority import peer_priority


class Vantage:
    """One for all swarms. Until others have told us where we are, nobody has priority.

    Differs from the BEP: it is the address that DHT nodes of several networks agree on (BEP 42),
    not what the peer itself says it sees, which it could choose for the priority that it gives."""

    __slots__ = ("_hosts", "_port", "version")

    def __init__(self, port: int) -> None:
        """`port`: where we listen."""
        self._port = port
        self._hosts: dict[bool, str] = {}  # by whether it is an IPv6 one
        self.version = 0  # another one when priorities are other ones

    def seen_as(self, host: str) -> None:
        """This is our address in its family."""
        if self._hosts.get(is_ipv6(host)) != host:
            self._hosts[is_ipv6(host)] = host
            self.version += 1

    def priority(self, theirs: Address) -> int:
        """Of a peer there: the greater the better; 0 while we do not know where we are."""
        host = self._hosts.get(is_ipv6(theirs.host))
        return 0 if host is None else peer_priority(Address(host, self._port), theirs)
