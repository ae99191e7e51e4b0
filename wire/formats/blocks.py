"""Addresses that we have nothing to do with: the lists that people keep, and bans by hand.

No BEP applies. The formats are those of PeerGuardian (P2P), of eMule (DAT), and plain networks,
a line each, mixed as they come. What counts as one host elsewhere (`host_key`) does here: an IPv4
address also where an IPv6 one carries it, and the /64 of any other, which an entry of less than a
/64 blocks whole.
"""

import ipaddress
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from torrentd.wire.formats.address import host_key

LINE_BYTES_MAX = 1000
RANGES_MAX = 5_000_000  # the largest public list has half a million; 8 bytes each
ALLOWED_FROM = 128  # DAT: levels below it are blocked
_IPV4 = rb"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})"
# `name:1.2.3.4-1.2.3.9` and `001.002.003.004 - 001.002.003.009 , 000 , name`
_RANGE = re.compile(rb"\s*%b\s*-\s*%b\s*(?:,\s*(\d{1,3})\s*(?:,.*)?)?" % (_IPV4, _IPV4))
_COMMENTS = (b"#", b";", b"//")
_IPV6_KEY_BITS = 64

Span = tuple[int, int]  # first and last, both within


class Ranges:
    """Spans of numbers, sorted and joined; 8 bytes each for IPv4, 16 for IPv6."""

    def __init__(self, spans: Iterable[Span] = (), typecode: str = "L") -> None:
        self._firsts = array(typecode)
        self._lasts = array(typecode)
        for first, last in sorted(spans):
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(last, self._lasts[-1])
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __len__(self) -> int:
        return len(self._firsts)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]


class HostSet:
    """Which hosts, of both families."""

    def __init__(self, ipv4: Iterable[Span] = (), ipv6: Iterable[Span] = ()) -> None:
        self._ipv4 = Ranges(ipv4, "I")
        self._ipv6 = Ranges(ipv6, "Q")

    def __len__(self) -> int:
        """Ranges that are apart from each other."""
        return len(self._ipv4) + len(self._ipv6)

    def holds(self, key: bytes) -> bool:
        """`key` is a `host_key`."""
        ranges = self._ipv4 if len(key) == 4 else self._ipv6
        return int.from_bytes(key) in ranges


@dataclass(slots=True)
class Blocklist:
    """A list as it was read. `bad_lines` were passed over; `first_bad` is the number of one."""

    hosts: HostSet = field(default_factory=HostSet)
    lines: int = 0
    bad_lines: int = 0
    first_bad: int | None = None


class Blocks:
    """The one place where every policy asks. `generation` grows with each change, for those who
    remember answers; `refused` counts them."""

    __slots__ = ("_banned", "_listed", "generation", "refused")

    def __init__(self) -> None:
        self.generation = 0
        self.refused = 0
        self._listed = HostSet()
        self._banned = HostSet()

    def list(self, hosts: HostSet) -> None:
        """The blocklist, whole."""
        self._listed = hosts
        self.generation += 1

    def ban(self, hosts: HostSet) -> None:
        """All bans by hand, whole."""
        self._banned = hosts
        self.generation += 1

    def holds(self, host: str) -> bool:
        """`host` is that of an Address."""
        key = host_key(host)
        return self._listed.holds(key) or self._banned.holds(key)

    def refuses(self, host: str) -> bool:
        """The same, counted."""
        if not self.generation or not self.holds(host):
            return False
        self.refused += 1
        return True


def decode_blocklist(lines: Iterable[bytes]) -> Blocklist:
    """Any mixture of the formats; what is none of them is counted."""
    ipv4: list[Span] = []
    ipv6: list[Span] = []
    found = Blocklist()
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith(_COMMENTS):
            continue
        found.lines += 1
        if len(ipv4) + len(ipv6) >= RANGES_MAX or not _take(line, ipv4, ipv6):
            found.bad_lines += 1
            found.first_bad = found.first_bad or number
    found.hosts = HostSet(ipv4, ipv6)
    return found


def parse_network(text: str) -> tuple[str, HostSet]:
    """An address or a network as a person writes it, and its canonical text. ValueError."""
    network = ipaddress.ip_network(text.strip(), strict=False)
    ipv4: list[Span] = []
    ipv6: list[Span] = []
    _add(network, ipv4, ipv6)
    shown = str(network.network_address) if network.num_addresses == 1 else str(network)
    return shown, HostSet(ipv4, ipv6)


def host_set(networks: Iterable[str]) -> HostSet:
    """Of texts that `parse_network` has made."""
    ipv4: list[Span] = []
    ipv6: list[Span] = []
    for text in networks:
        _add(ipaddress.ip_network(text), ipv4, ipv6)
    return HostSet(ipv4, ipv6)


def _take(line: bytes, ipv4: list[Span], ipv6: list[Span]) -> bool:
    """False for a line that is none of the formats."""
    if len(line) > LINE_BYTES_MAX:
        return False
    match = _RANGE.fullmatch(line) or _RANGE.fullmatch(line.rpartition(b":")[2])
    if match is None:
        return _take_network(line, ipv4, ipv6)
    a, b, c, d, e, f, g, h = map(int, match.groups()[:8])
    first, last = a << 24 | b << 16 | c << 8 | d, e << 24 | f << 16 | g << 8 | h
    if max(a, b, c, d, e, f, g, h) > 255 or first > last:
        return False
    level = match[9]
    if level is None or int(level) < ALLOWED_FROM:
        ipv4.append((first, last))
    return True


def _take_network(line: bytes, ipv4: list[Span], ipv6: list[Span]) -> bool:
    """`192.0.2.0/24`, `2001:db8::/32`, `2001:db8::1-2001:db8::9`, or one address."""
    word = line.split(b"#")[0].split(b";")[0].strip()
    try:
        text = word.decode("ascii")
        if "-" in text:
            first, _, last = text.partition("-")
            ends = ipaddress.IPv6Address(first.strip()), ipaddress.IPv6Address(last.strip())
            if ends[0] > ends[1]:
                return False
            ipv6.append((int(ends[0]) >> _IPV6_KEY_BITS, int(ends[1]) >> _IPV6_KEY_BITS))
        else:
            _add(ipaddress.ip_network(text, strict=False), ipv4, ipv6)
    except ValueError:
        return False
    return True


def _add(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network, ipv4: list[Span], ipv6: list[Span]
) -> None:
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.version == 4:
        ipv4.append((first, last))
        return
    mapped = ipaddress.IPv6Address(first).ipv4_mapped
    if mapped is not None and network.prefixlen >= 96:
        ipv4.append((int(mapped), int(mapped) + network.num_addresses - 1))
    else:
        ipv6.append((first >> _IPV6_KEY_BITS, last >> _IPV6_KEY_BITS))
