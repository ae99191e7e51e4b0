"""What every piece store must do: `PieceStoreSuite` runs on memory, on files and on whatever comes.

A subclass says how a store of a torrent is made; the tests are here.
"""

import threading
from collections.abc import Callable

import pytest

from tests.wire.torrents import Torrent, assorted, single_file
from torrentd.wire.store.api import PieceStore, StoreError

Make = Callable[[Torrent], PieceStore]

TORRENTS = [
    pytest.param(assorted(), id="assorted files"),
    pytest.param(single_file(bytes(range(1, 251)), 32), id="single file, short last piece"),
    pytest.param(single_file(b"x" * 64, 32), id="single file, whole last piece"),
    pytest.param(single_file(b"y" * 7, 32), id="smaller than a piece"),
    pytest.param(single_file(bytes(100_001), 40_000), id="a piece of two and a half blocks"),
]


def fill(store: PieceStore, torrent: Torrent) -> None:
    """Write every piece."""
    for piece_index in range(torrent.info.geometry.piece_count):
        store.write(piece_index, memoryview(torrent.piece(piece_index)))


@pytest.mark.parametrize("torrent", TORRENTS)
class PieceStoreSuite:
    """To be subclassed, with a fixture `make`."""

    def test_what_was_written_is_read(self, make: Make, torrent: Torrent) -> None:
        store = make(torrent)
        store.prepare()
        fill(store, torrent)
        for piece_index in range(torrent.info.geometry.piece_count):
            piece = torrent.piece(piece_index)
            assert store.read(piece_index, 0, len(piece)) == piece

    def test_any_part_of_a_piece_is_read(self, make: Make, torrent: Torrent) -> None:
        store = make(torrent)
        fill(store, torrent)
        for piece_index in range(torrent.info.geometry.piece_count):
            piece = torrent.piece(piece_index)
            step = max(1, len(piece) // 7)
            for begin in range(0, len(piece), step):
                for length in range(1, len(piece) - begin + 1, step):
                    part = piece[begin : begin + length]
                    assert store.read(piece_index, begin, length) == part
                    assert store.read_resident(piece_index, begin, length) in (part, None)
                    buffer = bytearray(b"\xee" * length)
                    store.read_into(piece_index, begin, memoryview(buffer))
                    assert buffer == part

    def test_pieces_may_come_in_any_order(self, make: Make, torrent: Torrent) -> None:
        store = make(torrent)
        count = torrent.info.geometry.piece_count
        for piece_index in [*range(count - 1, -1, -2), *range(count - 2, -1, -2)]:
            store.write(piece_index, memoryview(torrent.piece(piece_index)))
        for piece_index in range(count):
            piece = torrent.piece(piece_index)
            assert store.read(piece_index, 0, len(piece)) == piece

    def test_the_buffer_belongs_to_the_caller_again(self, make: Make, torrent: Torrent) -> None:
        store = make(torrent)
        piece = torrent.piece(0)
        buffer = bytearray(piece)
        store.write(0, memoryview(buffer))
        buffer[:] = b"\xee" * len(buffer)
        assert store.read(0, 0, len(piece)) == piece

    def test_what_was_never_written_is_missing(self, make: Make, torrent: Torrent) -> None:
        store = make(torrent)
        store.prepare()
        with pytest.raises(StoreError):
            store.read(0, 0, 1)
        with pytest.raises(StoreError):
            store.read_into(0, 0, memoryview(bytearray(1)))

    def test_removed_files_are_missing(self, make: Make, torrent: Torrent) -> None:
        store = make(torrent)
        fill(store, torrent)
        store.remove_files()
        with pytest.raises(StoreError):
            store.read(0, 0, 1)

    def test_sync_and_close_may_come_at_any_time(self, make: Make, torrent: Torrent) -> None:
        store = make(torrent)
        store.sync()
        store.write(0, memoryview(torrent.piece(0)))
        store.sync()
        store.sync()
        store.close()
        store.close()
        store.sync()

    def test_threads_write_read_and_sync_at_once(self, make: Make, torrent: Torrent) -> None:
        store = make(torrent)
        count = torrent.info.geometry.piece_count
        failures: list[BaseException] = []

        def work(first: int) -> None:
            try:
                for piece_index in range(first, count, 4):
                    piece = torrent.piece(piece_index)
                    store.write(piece_index, memoryview(piece))
                    assert store.read(piece_index, 0, len(piece)) == piece
                    if first == 0:
                        store.sync()
            except BaseException as failure:  # told by the assertion below
                failures.append(failure)

        threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        store.sync()
        for piece_index in range(count):
            piece = torrent.piece(piece_index)
            assert store.read(piece_index, 0, len(piece)) == piece
