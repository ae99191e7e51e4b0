"""Which files of a torrent are wanted, and in which order their pieces come (BEP 3, BEP 53).

Pieces of high files come first, then those of no priority, those of low files last; a piece of
several files comes with the first of them. In sequence, the first and last piece of every file come
before the others of their rank, since players look at both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from torrentd.wire.formats.geometry import FileLayout
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.swarm.piece_mask import full_mask


@dataclass(frozen=True, slots=True)
class Wish:
    """File indices; `files` None: all. Padding is never wanted for its own sake, and indices beyond
    the torrent name nothing."""

    files: tuple[int, ...] | None = None
    high: tuple[int, ...] = ()
    low: tuple[int, ...] = ()
    sequential: bool = False


ALL = Wish()


@dataclass(frozen=True, slots=True)
class Order:
    """The same in pieces: masks. A piece that is wanted is in some of the `ranks`, which are asked
    for one after the other, and in ascending order if `sequential`."""

    wanted: int
    ranks: tuple[int, ...]
    sequential: bool


def order_of(info: Info, wish: Wish) -> Order:
    """The pieces that hold a byte of the files wished for."""
    everything = full_mask(info.geometry.piece_count)
    if wish == ALL:
        return Order(everything, (everything,), sequential=False)
    layout = FileLayout(info.geometry, [file.length for file in info.files])
    wanted = everything if wish.files is None else _pieces(layout, wish.files)
    files = range(len(info.files)) if wish.files is None else wish.files
    ranks = [wanted]
    if wish.high or wish.low:
        ranked = {*wish.high, *wish.low}
        high = _pieces(layout, [i for i in wish.high if wish.files is None or i in wish.files])
        usual = _pieces(layout, [i for i in files if i not in ranked])
        ranks = [high, usual, wanted]
    if wish.sequential:
        edges = _edges(layout, files)
        ranks = [mask for rank in ranks for mask in (rank & edges, rank)]
    return Order(wanted, tuple(rank & wanted for rank in ranks if rank), wish.sequential)


def _pieces(layout: FileLayout, files: Iterable[int]) -> int:
    return reduce(or_, (_mask(layout.pieces_of_file(i)) for i in _there(layout, files)), 0)


def _edges(layout: FileLayout, files: Iterable[int]) -> int:
    spans = filter(None, map(layout.pieces_of_file, _there(layout, files)))
    return reduce(or_, (1 << span[0] | 1 << span[-1] for span in spans), 0)


def _there(layout: FileLayout, files: Iterable[int]) -> Iterable[int]:
    return (i for i in files if 0 <= i < len(layout.lengths))


def _mask(pieces: range) -> int:
    return full_mask(pieces.stop) & ~full_mask(pieces.start)
