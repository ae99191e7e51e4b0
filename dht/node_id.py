"""Node ids, their XOR distance (BEP 5), and ids that follow from an address (BEP 42).

Ids are bytes wherever they are keys; an int appears only for the XOR itself, since the hash of
an int can be steered by whoever chooses the ids.
"""

import random
from typing import Final

from torrentd.wire.formats.address import AddressPolicy, pack_host
from torrentd.wire.formats.ids import ID_BYTES, Id

ID_BITS: Final = ID_BYTES * 8
# BEP 42: "The expression to calculate a valid ID prefix".
_IPV4_MASK: Final = bytes.fromhex("030f3fff")
_IPV6_MASK: Final = bytes.fromhex("0103070f1f3f7fff")
_CASTAGNOLI: Final = 0x82F63B78  # the polynomial of CRC32-C, bits reversed; zlib has another one
# BEP 42 exempts local addresses; this policy only answers which those are.
_LOCAL: Final = AddressPolicy(allow_local=True)


class NodeId(Id):
    """A node's name in the DHT (BEP 5): 20 bytes of the same space as infohashes."""

    __slots__ = ()


def distance(a: bytes, b: bytes) -> int:
    """`|a xor b|` (BEP 5): smaller is closer."""
    return int.from_bytes(a, "big") ^ int.from_bytes(b, "big")


def distance_exponent(a: bytes, b: bytes) -> int:
    """Index of the highest bit in which the two differ, 0 to 159; 0 for equal ids too."""
    return max(distance(a, b).bit_length() - 1, 0)


def random_node_id(rng: random.Random) -> NodeId:
    return NodeId(rng.getrandbits(ID_BITS).to_bytes(ID_BYTES, "big"))


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_CASTAGNOLI if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE: Final = _crc_table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _prefix(host: str, last_byte: int) -> int:
    """The CRC whose first 21 bits a node at `host` must carry, for the last byte of its id."""
    packed = pack_host(host)
    mask = _IPV4_MASK if len(packed) == 4 else _IPV6_MASK
    masked = bytearray(a & b for a, b in zip(packed, mask, strict=False))
    masked[0] |= (last_byte & 7) << 5
    return crc32c(bytes(masked))


def node_id_for(host: str, rng: random.Random) -> NodeId:
    """A fresh id that a node at this address may have (BEP 42)."""
    node_id = bytearray(random_node_id(rng))
    prefix = _prefix(host, node_id[19])
    node_id[0] = prefix >> 24
    node_id[1] = (prefix >> 16) & 0xFF
    node_id[2] = ((prefix >> 8) & 0xF8) | (node_id[2] & 7)
    return NodeId(bytes(node_id))


def id_fits_host(node_id: bytes, host: str) -> bool:
    """Does the id follow BEP 42? "Any peer on a local network address is exempt"."""
    if _LOCAL.is_local(host):
        return True
    return (int.from_bytes(node_id[:4], "big") ^ _prefix(host, node_id[19])) >> 11 == 0
