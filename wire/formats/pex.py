"""Peer exchange messages: who joined and who left since the last one (BEP 11).

`added` and `dropped` are compact IPv4 addresses, `added6` and `dropped6` IPv6 ones; `added.f` and
`added6.f` hold one byte of flags a peer. Addresses are claims: the address policy comes after.
"""

from dataclasses import dataclass, field

from torrentd.wire.formats.address import (
    COMPACT_IPV4_BYTES,
    COMPACT_IPV6_BYTES,
    Address,
    is_ipv6,
    pack_address,
    unpack_addresses,
)
from torrentd.wire.formats.bencode import EXTENSION_LIMITS, Bencoded, decode_dict, encode, get_bytes
from torrentd.wire.formats.errors import BencodeError, ExtensionError

FLAG_ENCRYPTION = 0x01
FLAG_SEED = 0x02  # "seed/upload_only"
FLAG_UTP = 0x04
FLAG_HOLEPUNCH = 0x08
FLAG_REACHABLE = 0x10  # an outgoing connection reached it

CONTACTS_MAX = 50  # "should not exceed 50 entries": what we send, and what we keep of each list


@dataclass(slots=True)
class Pex:
    """`added` with the flags of each."""

    added: list[tuple[Address, int]] = field(default_factory=list)
    dropped: list[Address] = field(default_factory=list)


def encode_pex(pex: Pex) -> bytes:
    """The payload of an extended ut_pex message. Empty lists are left out."""
    d: dict[bytes, bytes] = {}
    for address, flags in pex.added:
        key = b"added6" if is_ipv6(address.host) else b"added"
        d[key] = d.get(key, b"") + pack_address(address)
        d[key + b".f"] = d.get(key + b".f", b"") + bytes((flags,))
    for address in pex.dropped:
        key = b"dropped6" if is_ipv6(address.host) else b"dropped"
        d[key] = d.get(key, b"") + pack_address(address)
    return encode(dict[bytes, Bencoded](d))


def decode_pex(payload: bytes) -> Pex:
    """The first CONTACTS_MAX of each list; flags that are missing are 0. A list cut within an
    address is an ExtensionError."""
    try:
        d = decode_dict(payload, EXTENSION_LIMITS)
    except BencodeError as error:
        raise ExtensionError(f"ut_pex: {error.reason}") from None
    added = _added(d, b"added", COMPACT_IPV4_BYTES) + _added(d, b"added6", COMPACT_IPV6_BYTES)
    dropped = _addresses(d, b"dropped", COMPACT_IPV4_BYTES)
    return Pex(added, dropped + _addresses(d, b"dropped6", COMPACT_IPV6_BYTES))


def _addresses(d: dict[bytes, Bencoded], key: bytes, size: int) -> list[Address]:
    data = get_bytes(d, key) or b""
    if len(data) % size:
        raise ExtensionError("ut_pex with an address cut short")
    return unpack_addresses(data[: size * CONTACTS_MAX], size)


def _added(d: dict[bytes, Bencoded], key: bytes, size: int) -> list[tuple[Address, int]]:
    addresses = _addresses(d, key, size)
    flags = (get_bytes(d, key + b".f") or b"")[: len(addresses)].ljust(len(addresses), b"\0")
    return list(zip(addresses, flags, strict=True))
