"""The order of pieces, against a walk over every piece and its files (BEP 3, 53)."""

import random

import pytest

from tests.wire.torrents import File, assorted, multi_file
from torrentd.wire.formats.geometry import FileLayout
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.swarm.piece_mask import indices
from torrentd.wire.swarm.wish import ALL, Wish, order_of

# Pieces of ten bytes: a 0-1, b 1, c 1-3, d 3.
INFO = multi_file(
    [
        File((b"a",), bytes(12)),
        File((b"b",), bytes(3)),
        File((b"c",), bytes(20)),
        File((b"d",), bytes(5)),
    ],
    10,
).info


def rank_of(info: Info, layout: FileLayout, wish: Wish, piece: int) -> tuple[int, bool] | None:
    """The oracle: 0 high, 1 usual, 2 low, and whether the piece is no edge; None: not wanted."""
    wanted = [i for i in layout.files_of_piece(piece) if wish.files is None or i in wish.files]
    if not wanted:
        return None
    best = min(0 if i in wish.high else 2 if i in wish.low else 1 for i in wanted)
    edge = any(piece in (layout.pieces_of_file(i)[0], layout.pieces_of_file(i)[-1]) for i in wanted)
    return best, wish.sequential and not edge


def ranked(info: Info, wish: Wish) -> dict[int, int]:
    """Each wanted piece, and the first rank that it is in."""
    ranks: dict[int, int] = {}
    for number, mask in enumerate(order_of(info, wish).ranks):
        for piece in indices(mask):
            ranks.setdefault(piece, number)
    return ranks


def test_random_wishes_order_the_pieces_as_a_walk_over_them_would() -> None:
    info = assorted().info
    layout = FileLayout(info.geometry, [file.length for file in info.files])
    files = range(len(info.files) + 2)  # two of them name nothing
    for number in range(300):
        rng = random.Random(number)
        high = set(rng.sample(files, rng.randrange(4)))
        wish = Wish(
            rng.choice([None, tuple(rng.sample(files, rng.randrange(len(files))))]),
            tuple(high),
            tuple(set(rng.sample(files, rng.randrange(4))) - high),
            rng.random() < 0.5,
        )
        expected = {p: rank_of(info, layout, wish, p) for p in range(info.geometry.piece_count)}
        wanted = {piece: rank for piece, rank in expected.items() if rank is not None}
        found = ranked(info, wish)
        assert found.keys() == wanted.keys() == {*indices(order_of(info, wish).wanted)}
        for one in wanted:
            for other in wanted:
                assert (found[one] < found[other]) == (wanted[one] < wanted[other])


@pytest.mark.parametrize(
    ("wish", "wanted", "ranks"),
    [
        (ALL, 0b1111, (0b1111,)),
        (Wish((1,)), 0b10, (0b10,)),
        (Wish(()), 0, ()),
        (Wish(high=(3,)), 0b1111, (0b1000, 0b1111, 0b1111)),
        (Wish((2,), high=(0,), low=(2,)), 0b1110, (0b1110,)),
        (Wish(sequential=True), 0b1111, (0b1011, 0b1111)),
    ],
)
def test_each_kind_of_wish(wish: Wish, wanted: int, ranks: tuple[int, ...]) -> None:
    order = order_of(INFO, wish)
    assert order.wanted == wanted
    assert tuple(rank for rank in order.ranks if rank) == ranks
