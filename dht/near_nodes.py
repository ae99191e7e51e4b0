"""NearNodes: who answered lately, and soon; a search begins with them (BEP 5, Routing Table).

A bucket keeps eight nodes, and for the half of all ids that is farthest from ours there is one
bucket: a search begins far from its end, and it is as slow as its hops are many. Yet every lookup
meets dozens of nodes that answer and find no room in the table. They cost nothing but memory: a
thousand save a hop, and of two that are equally close the one that is near in time saves the rest.
As in P2P'11, "Sub-second lookups on a large-scale Kademlia-based overlay": most is won by whom one
asks first.

They begin searches and do nothing else: other nodes are not told of them, they are not pinged, they
vote for nothing, and the nodes of the table are asked beside them.

Invariants: a network (IPv4 /24, IPv6 /48) is there once; every id follows BEP 42.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from torrentd.dht.node_id import NodeId, id_fits_host
from torrentd.wire.formats.address import Address, network_key

CELL_BITS: Final = 6  # of an id: nodes that share as many stand in one cell
PER_CELL_MAX: Final = 32  # two thousand nodes in all, of some 400 bytes each
FORGOTTEN_S: Final = 2 * 3600.0  # since it answered last: by then half of them would be gone
_CELL_SHIFT: Final = 8 - CELL_BITS


@dataclass(slots=True)
class NearNode:
    node_id: NodeId
    address: Address
    rtt_s: float
    heard_at: float


class NearNodes:
    def __init__(self) -> None:
        self._by_network: dict[bytes, NearNode] = {}
        self._cells: list[dict[bytes, NearNode]] = [{} for _ in range(1 << CELL_BITS)]

    def __len__(self) -> int:
        return len(self._by_network)

    def heard(self, node_id: NodeId, address: Address, rtt_s: float, now: float) -> None:
        """It answered a query of ours at `now`. Where there is no room, it takes that of whom was
        not heard of for too long, or of the slowest."""
        network = network_key(address.host)
        known = self._by_network.get(network)
        if known is not None and known.address == address and known.node_id == node_id:
            known.rtt_s = 0.7 * known.rtt_s + 0.3 * rtt_s
            known.heard_at = now
            return
        if known is not None:
            if known.address == address:  # one that changes its id may be anyone
                self._remove(network)
            return
        if not id_fits_host(node_id, address.host):
            return
        cell = self._cells[node_id[0] >> _CELL_SHIFT]
        if len(cell) >= PER_CELL_MAX:
            stale = now - FORGOTTEN_S
            least = max(cell, key=lambda at: (cell[at].heard_at < stale, cell[at].rtt_s))
            if cell[least].heard_at >= stale and cell[least].rtt_s <= rtt_s:
                return
            self._remove(least)
        newcomer = NearNode(node_id, address, rtt_s, now)
        self._by_network[network] = cell[network] = newcomer

    def failed(self, address: Address) -> None:
        """It left a query unanswered."""
        network = network_key(address.host)
        known = self._by_network.get(network)
        if known is not None and known.address == address:
            self._remove(network)

    def around(self, target: bytes, count: int, now: float) -> list[NearNode]:
        """All that begin with the same bits as `target`, as few bits as it takes to have `count`;
        in no order."""
        at = target[0] >> _CELL_SHIFT
        found: list[NearNode] = []
        for step in range(1 << CELL_BITS):
            cell = self._cells[at ^ step]
            found += [node for node in cell.values() if now - node.heard_at < FORGOTTEN_S]
            if len(found) >= count and not step & (step + 1):  # whole prefixes only
                break
        return found

    def age(self, duration_s: float) -> None:
        """So much time passed beside the clock, while the machine slept."""
        for node in self._by_network.values():
            node.heard_at -= duration_s

    def __iter__(self) -> Iterator[NearNode]:
        yield from self._by_network.values()

    def _remove(self, network: bytes) -> None:
        node = self._by_network.pop(network)
        del self._cells[node.node_id[0] >> _CELL_SHIFT][network]
