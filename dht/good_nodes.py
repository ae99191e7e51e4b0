"""What other nodes are told: the good nodes closest to a target, compact (BEP 5, `nodes`).

The same answer as `RoutingTable.closest_nodes(…, good_only=True)`, mostly without a search. Two
things are remembered while the table does not change. For the first twelve bits of a target: where
they alone decide which nodes are the closest and in which order, the answer serves every target
that begins so. For the targets where they do not, near our own id above all: the answer itself.

Exact because a remembered answer holds the nine closest apart by those bits alone, and whoever is
farther away than the ninth is so for every target that begins with them. It ends when the table
changes, or when the first of its nodes stops being good by the clock.
"""

from typing import Final, Protocol

from torrentd.dht.bucket import BUCKET_SIZE
from torrentd.dht.contact import GOOD_S, Contact
from torrentd.dht.node_id import ID_BITS

CELL_BITS: Final = 12  # two nodes of 160 share them by 1 in 25 or so
_CELL_SHIFT: Final = ID_BITS - CELL_BITS
_CLOSE_MAX: Final = 4096  # targets remembered whole; about 2 MB


class Table(Protocol):
    """`changes` grows whenever another answer may be due for another reason than time."""

    changes: int

    def closest_nodes(
        self, target: bytes, count: int, now: float, *, good_only: bool
    ) -> list[Contact]: ...


class GoodNodes:
    """Of one table."""

    def __init__(self, table: Table) -> None:
        self._table: Final = table
        self._changes = -1  # of the table, for which all that follows holds
        # The compact nodes, and when the one heard of least recently was heard of.
        self._cells: dict[int, tuple[bytes, float]] = {}
        self._close: dict[bytes, tuple[bytes, float]] = {}

    def compact(self, target: bytes, now: float) -> bytes:
        """The eight closest good nodes, or as many as there are, the closest first."""
        if self._changes != self._table.changes:
            self._forget()
        found = self._cells.get(target[0] << 4 | target[1] >> 4) or self._close.get(target)
        if found is not None and now - found[1] < GOOD_S:
            return found[0]
        return self._search(target, now)

    def _search(self, target: bytes, now: float) -> bytes:
        nodes = self._table.closest_nodes(target, BUCKET_SIZE + 1, now, good_only=True)
        told = nodes[:BUCKET_SIZE]
        compact = b"".join([node.compact for node in told])
        heard_at = min([node.heard_at for node in told], default=now)
        key = int.from_bytes(target, "big")
        cells = [(node.long_id ^ key) >> _CELL_SHIFT for node in nodes]
        if len(set(cells)) == len(cells):
            self._cells[key >> _CELL_SHIFT] = (compact, heard_at)
        else:
            if len(self._close) >= _CLOSE_MAX:
                self._close.clear()
            self._close[target] = (compact, heard_at)
            self._cells.pop(key >> _CELL_SHIFT, None)
        return compact

    def _forget(self) -> None:
        self._cells.clear()
        self._close.clear()
        self._changes = self._table.changes
