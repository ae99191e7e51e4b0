"""Where a peer or a node is, and whether we may talk to it (BEP 5, 7, 32: compact addresses).

One policy judges every address that comes from outside. `ipaddress.is_global` is not enough (it
says yes to 224.0.0.1, 64:ff9b::7f00:1 and 2002:7f00:1::), so the tables are here. An IPv6 address
that carries an IPv4 one (mapped, NAT64, 6to4, Teredo) is judged by the one inside.
"""

import ipaddress
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from struct import Struct
from typing import NamedTuple, Protocol

from torrentd.wire.formats.errors import ProtocolError

PORT_MAX = 65535
COMPACT_IPV4_BYTES = 6
COMPACT_IPV6_BYTES = 18
_GROUPS = Struct(">8H")
_ZEROS = re.compile(r"\b0(?::0)+\b")
_HOSTS_CACHED = 8192  # some tables of a busy daemon; what falls out costs 2 to 5 µs


class Address(NamedTuple):
    """`host` is canonical numeric text (never a name, never v4-mapped); equal hosts, equal text."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_ipv6(host: str) -> bool:
    """Tells the family of a host of an Address."""
    return ":" in host


def parse_host(text: str) -> str:
    """Canonical text of a literal address, without brackets or zone (`%eth0`)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ProtocolError("not a literal IP address") from None
    if address.version == 6 and address.scope_id is not None:
        raise ProtocolError("an IPv6 address with a zone")
    return unpack_host(address.packed)


def parse_address(text: str) -> Address:
    """`1.2.3.4:80` or `[::1]:80`, blanks around it allowed. Literals only: nothing is resolved."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or len(port) > 5:
        raise ProtocolError("an address without a port")
    if not 1 <= int(port) <= PORT_MAX:
        raise ProtocolError("a port outside 1 to 65535")
    bracketed = host.startswith("[") and host.endswith("]")
    canonical = parse_host(host[1:-1] if bracketed else host)
    if bracketed != (":" in host):
        raise ProtocolError("brackets are for IPv6 addresses, and only for them")
    return Address(canonical, int(port))


@lru_cache(_HOSTS_CACHED)
def pack_host(host: str) -> bytes:
    """4 or 16 bytes in network order. `host` is that of an Address, so this cannot fail."""
    return ipaddress.ip_address(host).packed


def unpack_host(packed: bytes) -> str:
    """Text of 4 or 16 bytes; a v4-mapped address becomes the IPv4 address it is."""
    if len(packed) == 16:
        if packed[:12] != _MAPPED:
            return _ipv6_text(packed)
        packed = packed[12:]
    if len(packed) != 4:
        raise ProtocolError("an IP address of neither 4 nor 16 bytes")
    a, b, c, d = packed
    return f"{a}.{b}.{c}.{d}"


def _ipv6_text(packed: bytes) -> str:
    """RFC 5952, as ipaddress and the C library write it, in a third of the time: a reply of the DHT
    holds eight, a PEX message a hundred."""
    text = ":".join([f"{group:x}" for group in _GROUPS.unpack(packed)])
    longest = max(_ZEROS.finditer(text), key=_length, default=None)
    if longest is None:
        return text
    return f"{text[: longest.start()].rstrip(':')}::{text[longest.end() :].lstrip(':')}"


def _length(match: re.Match[str]) -> int:
    return match.end() - match.start()


def pack_address(address: Address) -> bytes:
    """`<4- or 16-byte host><2-byte port>`: compact IP-address/port info (BEP 5, 32)."""
    return pack_host(address.host) + address.port.to_bytes(2)


def unpack_address(data: bytes) -> Address:
    """The inverse, from 6 or 18 bytes."""
    return Address(unpack_host(data[:-2]), int.from_bytes(data[-2:]))


def unpack_addresses(data: bytes, size: int) -> list[Address]:
    """A string of compact addresses, `size` (6 or 18) bytes each, as in `added` of BEP 11."""
    if len(data) % size:
        raise ProtocolError("compact addresses cut short")
    return [unpack_address(data[at : at + size]) for at in range(0, len(data), size)]


_MAPPED = bytes(10) + b"\xff\xff"
_NAT64 = bytes.fromhex("0064ff9b") + bytes(8)
_6TO4 = bytes.fromhex("2002")
_TEREDO = bytes.fromhex("20010000")


def _inner_ipv4(packed: bytes) -> bytes | None:
    """The IPv4 address behind an IPv6 address of a transition mechanism (RFC 6052, 3056, 4380)."""
    if packed[:12] in (_MAPPED, _NAT64):
        return packed[12:]
    if packed[:2] == _6TO4:
        return packed[2:6]
    if packed[:4] == _TEREDO:
        return bytes(byte ^ 0xFF for byte in packed[12:])  # the client's, inverted
    return None


@lru_cache(_HOSTS_CACHED)
def host_key(host: str) -> bytes:
    """What counts as one host: the IPv4 address, or the /64 of an IPv6 one."""
    packed = pack_host(host)
    return packed if len(packed) == 4 else _inner_ipv4(packed) or packed[:8]


@lru_cache(_HOSTS_CACHED)
def network_key(host: str) -> bytes:
    """What counts as one network: the /24 of an IPv4 address, or the /48 of an IPv6 one, which is
    what a single customer may have."""
    key = host_key(host)
    return key[:3] if len(key) == 4 else key[:6]


class Reach(IntEnum):
    """Where packets to an address can go."""

    NEVER = 0  # to nobody, or to everybody
    LOCAL = 1  # to this machine or a network of its owner, or reserved
    PUBLIC = 2


def _table(text: str, reach: Reach) -> list[tuple[int, int, Reach]]:
    networks = [ipaddress.ip_network(line.split()[0]) for line in text.strip().splitlines()]
    return [(int(n.network_address), int(n.netmask), reach) for n in networks]


# The first match decides (RFC 6890 and the registries it founded).
_IPV4 = _table(
    """
    0.0.0.0/8           this network
    169.254.169.254/32  the metadata service of cloud machines: no peer, ever
    224.0.0.0/4         multicast
    240.0.0.0/4         reserved, and the broadcast address
    """,
    Reach.NEVER,
) + _table(
    """
    10.0.0.0/8          private
    100.64.0.0/10       shared, behind carriers' NAT
    127.0.0.0/8         loopback
    169.254.0.0/16      link-local
    172.16.0.0/12       private
    192.0.0.0/24        protocol assignments
    192.0.2.0/24        documentation
    192.88.99.0/24      6to4 relays, withdrawn
    192.168.0.0/16      private
    198.18.0.0/15       benchmarks
    198.51.100.0/24     documentation
    203.0.113.0/24      documentation
    """,
    Reach.LOCAL,
)
_IPV6 = (
    _table(
        """
        ::1/128             loopback
        fc00::/7            unique local
        fe80::/10           link-local
        64:ff9b:1::/48      NAT64 of the local network
        2001:db8::/32       documentation
        3fff::/20           documentation
        """,
        Reach.LOCAL,
    )
    + _table("2001::/23  protocol assignments (Teredo was unwrapped before)", Reach.NEVER)
    + _table("2000::/3   global unicast", Reach.PUBLIC)
)


@lru_cache(_HOSTS_CACHED)
def reach(host: str) -> Reach:
    """The class of a host. What no table knows is PUBLIC in IPv4 and NEVER in IPv6."""
    packed = pack_host(host)
    if len(packed) == 16:
        inner = _inner_ipv4(packed)
        if inner is None:
            return _look_up(_IPV6, packed, Reach.NEVER)
        packed = inner
    return _look_up(_IPV4, packed, Reach.PUBLIC)


def _look_up(table: list[tuple[int, int, Reach]], packed: bytes, otherwise: Reach) -> Reach:
    number = int.from_bytes(packed)
    for network, mask, found in table:
        if number & mask == network:
            return found
    return otherwise


class Blocked(Protocol):
    """Hosts that are refused (blocks)."""

    generation: int

    def refuses(self, host: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Whom we contact when somebody else told us the address. `allow_local` also admits loopback,
    private and reserved networks and every port: for tests and closed networks. `blocks` are those
    whom the user will have nothing to do with."""

    allow_local: bool
    blocks: Blocked | None = None

    def allows_peer(self, address: Address) -> bool:
        """Ports of other services (25, 53 …) are refused: no swarm is turned on them (R2)."""
        port = address.port
        if not 1 <= port <= PORT_MAX:
            return False
        if port < 1024 and port not in (80, 443) and not self.allow_local:
            return False
        return self._allows(address.host)

    def allows_node(self, address: Address) -> bool:
        """As for peers, with any port: the source port of a datagram is what a NAT made of it."""
        return 1 <= address.port <= PORT_MAX and self._allows(address.host)

    def is_local(self, host: str) -> bool:
        """This machine's own or a private network, whether allowed or not."""
        return reach(host) is Reach.LOCAL

    def _allows(self, host: str) -> bool:
        found = reach(host)
        if found is Reach.NEVER or (found is Reach.LOCAL and not self.allow_local):
            return False
        return not self.is_blocked(host)

    def is_blocked(self, host: str) -> bool:
        """The user will have nothing to do with it."""
        return self.blocks is not None and self.blocks.refuses(host)

    @property
    def generation(self) -> int:
        """Another number when an answer may be another one: for who remembers them."""
        return self.blocks.generation if self.blocks is not None else 0
