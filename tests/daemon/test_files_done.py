"""A file is done with the last of its pieces, in any order, and again after one was lost."""

import random

from tests.wire.torrents import assorted
from torrentd.daemon.files_done import FilesDone
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.geometry import FileLayout


def whole(layout: FileLayout, have: Bitfield) -> set[int]:
    """The oracle: files with a byte in them, all of whose pieces are had."""
    return {
        index
        for index, length in enumerate(layout.lengths)
        if length and all(have[piece] for piece in layout.pieces_of_file(index))
    }


def test_whatever_comes_in_whatever_order_agrees_with_the_oracle() -> None:
    info = assorted().info
    layout = FileLayout(info.geometry, [file.length for file in info.files])
    for seed in range(50):
        rng = random.Random(seed)
        have = Bitfield(info.geometry.piece_count)
        for piece in rng.sample(range(len(have)), rng.randrange(len(have))):
            have.set(piece)
        files = FilesDone(info, have)
        for _ in range(3 * len(have)):
            piece = rng.randrange(len(have))
            before = whole(layout, have)
            if have[piece]:
                have.clear(piece)
                files.lost(piece)
            else:
                have.set(piece)
                assert set(files.stored(piece)) == whole(layout, have) - before
