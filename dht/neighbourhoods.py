"""Who was closest to what we announce, from one announce to the next (BEP 5: nothing is said).

A quarter of an hour later most of them are still there and still the closest, so that the next
search asks a third fewer nodes (tests/sim). They are tried beside those of the table, which find
the way when all of them are gone; and whoever is closer by now is named by them.
"""

from typing import Final

from torrentd.dht.contact import decode_nodes
from torrentd.dht.node_id import NodeId
from torrentd.wire.formats.address import Address, is_ipv6, pack_address

KEPT_MAX: Final = 20_000  # infohashes; each takes some 400 bytes
NODES_MAX: Final = 8  # of one family
_SIZES: Final = (26, 38)  # compact node info of IPv4 and IPv6


class Neighbourhoods:
    """By infohash, as compact node info. The one that was kept longest ago is forgotten first."""

    def __init__(self) -> None:
        self._kept: dict[bytes, tuple[bytes, bytes]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, infohash: bytes, closest: list[tuple[NodeId, Address]]) -> None:
        """In place of those before."""
        self.forget(infohash)
        if closest:
            self._kept[infohash] = (
                b"".join(i + pack_address(a) for i, a in closest if not is_ipv6(a.host)),
                b"".join(i + pack_address(a) for i, a in closest if is_ipv6(a.host)),
            )
            if len(self._kept) > KEPT_MAX:
                del self._kept[next(iter(self._kept))]

    def get(self, infohash: bytes) -> list[tuple[NodeId, Address]]:
        both = zip(self._kept.get(infohash, (b"", b"")), _SIZES, strict=True)
        return [node for data, size in both for node in decode_nodes(data, size, NODES_MAX)]

    def forget(self, infohash: bytes) -> None:
        self._kept.pop(infohash, None)
