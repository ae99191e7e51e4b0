"""The store without a disk keeps the same promises."""

import pytest

from tests.wire.store.piece_store_suite import Make, PieceStoreSuite
from tests.wire.torrents import File, Torrent, multi_file
from torrentd.wire.store.memory import MemoryStore


@pytest.fixture
def make() -> Make:
    return lambda torrent: MemoryStore(torrent.info)


class TestConformance(PieceStoreSuite):
    pass


def test_padding_reads_as_zeros_whatever_was_written() -> None:
    torrent: Torrent = multi_file([File((b"a",), b"x" * 20), File((b"p",), bytes(12), b"p")])
    store = MemoryStore(torrent.info)
    store.write(0, memoryview(b"y" * 32))
    assert store.read(0, 0, 32) == b"y" * 20 + bytes(12)
