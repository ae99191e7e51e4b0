"""Canonical peer priority: how much two addresses should be connected, the same from both ends
(BEP 40). "All peers agree on what it is", so nobody gains by dialing everybody.

Which bytes of IPv6 addresses are masked is as in the BEP; libtorrent keeps one more of those that
begin alike.
"""

from torrentd.wire.formats.address import Address, is_ipv6, pack_host

_MASK = 0x55
# Bytes never masked, of an address of 4 or 16: FF.FF.55.55 and FFFF:FFFF:FFFF:5555:…
_WHOLE_BYTES = {4: 2, 16: 6}


def _crc32c_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _crc32c_table()


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum (RFC 3720, B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def hashed_bytes(ours: Address, theirs: Address) -> bytes:
    """What the checksum is over: both addresses, masked and sorted; of one address, the ports."""
    if ours.host == theirs.host:
        return b"".join(sorted(address.port.to_bytes(2) for address in (ours, theirs)))
    packed = [pack_host(address.host) for address in (ours, theirs)]
    shared = next(i for i, (a, b) in enumerate(zip(*packed, strict=True)) if a != b)
    whole = max(_WHOLE_BYTES[len(packed[0])], shared + 1)
    return b"".join(sorted(each[:whole] + _masked(each[whole:]) for each in packed))


def peer_priority(ours: Address, theirs: Address) -> int:
    """The greater the better. Addresses of two families have none: 0."""
    if is_ipv6(ours.host) != is_ipv6(theirs.host):
        return 0
    return crc32c(hashed_bytes(ours, theirs))


def _masked(packed: bytes) -> bytes:
    return bytes(byte & _MASK for byte in packed)
