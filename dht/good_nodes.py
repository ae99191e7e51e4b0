"""What other nodes are told: the good nodes closest to a target, compact (BEP 5, `nodes`).

The same answer as `RoutingTable.closest_nodes(…, good_only=True)`, mostly without a search: targets
that begin with the same ten bits (a cell) have their closest nodes in common. Remembered for a
cell are its candidates: the eight closest and whoever is not farther than the eighth by those bits.
Mostly the bits alone put them in order, and then the answer is ready; else they are sorted for the
target at hand.

Exact because whoever is no candidate is farther than each of them, whatever the other bits of the
target are. A cell is forgotten when a bucket changes that reaches as near as its candidates, and
when the first of them stops being good by the clock.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from torrentd.dht.bucket import BUCKET_SIZE, Bucket
from torrentd.dht.contact import GOOD_S, Contact
from torrentd.dht.node_id import ID_BITS

CELL_BITS: Final = 10  # half a megabyte when all cells are asked for: more would miss the caches
_CELL_SHIFT: Final = ID_BITS - CELL_BITS
_CELL_SHIFT_OF_16: Final = 16 - CELL_BITS
_FARTHEST: Final = (1 << CELL_BITS) - 1


class Table(Protocol):
    def closest_nodes(
        self, target: bytes, count: int, now: float, *, good_only: bool
    ) -> list[Contact]: ...


@dataclass(slots=True)
class _Cell:
    compact: bytes | None  # None: the candidates have to be sorted
    heard_at: float  # when the candidate heard of least recently was heard of
    edge: int  # how far the candidates reach, as a distance of cells
    candidates: list[Contact]


class GoodNodes:
    """Of one table, which tells of each change in a bucket: of who is in it, and of who is good for
    another reason than time."""

    def __init__(self, table: Table) -> None:
        self._table: Final = table
        self._cells: Final[dict[int, _Cell]] = {}

    def compact(self, target: bytes, now: float) -> bytes:
        """The eight closest good nodes, or as many as there are, the closest first."""
        cell = self._cells.get((target[0] << 8 | target[1]) >> _CELL_SHIFT_OF_16)
        if cell is None or now - cell.heard_at >= GOOD_S:
            cell = self._search(target, now)
        if cell.compact is not None:
            return cell.compact
        key = int.from_bytes(target, "big")
        closest = sorted(cell.candidates, key=lambda node: node.long_id ^ key)[:BUCKET_SIZE]
        return b"".join([node.compact for node in closest])

    def changed(self, bucket: Bucket) -> None:
        low = bucket.range[0] >> _CELL_SHIFT
        free = max(CELL_BITS - bucket.bits, 0)  # bits in which the bucket's own cells differ
        touched = [
            at for at, cell in self._cells.items() if (at ^ low) >> free << free <= cell.edge
        ]
        for at in touched:
            del self._cells[at]

    def clear(self) -> None:
        self._cells.clear()

    def _search(self, target: bytes, now: float) -> _Cell:
        at = int.from_bytes(target, "big") >> _CELL_SHIFT
        count = 2 * BUCKET_SIZE
        while True:
            nodes = self._table.closest_nodes(target, count, now, good_only=True)
            away = [at ^ (node.long_id >> _CELL_SHIFT) for node in nodes]
            if len(nodes) < count or away[-1] > away[BUCKET_SIZE - 1]:
                break
            count *= 2
        edge = away[BUCKET_SIZE - 1] if len(nodes) >= BUCKET_SIZE else _FARTHEST
        candidates = [node for node, distance in zip(nodes, away, strict=True) if distance <= edge]
        cell = _Cell(None, min([n.heard_at for n in candidates], default=now), edge, candidates)
        if len(set(away[: len(candidates)])) == len(candidates):
            cell.compact = b"".join([node.compact for node in candidates[:BUCKET_SIZE]])
        self._cells[at] = cell
        return cell
