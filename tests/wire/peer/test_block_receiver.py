"""The blocks a peer sends: placed, told as views, late, or unwanted (BEP 3, 6; security W6)."""

import pytest

from tests.wire.peer.scenario import GEOMETRY, Scene, piece, received
from torrentd.wire.formats.geometry import BLOCK_BYTES, BlockRef
from torrentd.wire.peer import events
from torrentd.wire.peer.block_receiver import UNREQUESTED_BYTES_FREE, UNREQUESTED_BYTES_MAX

BLOCK = GEOMETRY.block(0, 0)
OTHER = GEOMETRY.block(3, 1)
SHORT = GEOMETRY.block(10, 0)


class TestBlocks:
    def test_an_outstanding_block_is_told_as_a_view_and_counted(self) -> None:
        scene = Scene()
        scene.ask(BLOCK, SHORT)
        assert scene.say(piece(SHORT), piece(BLOCK)) == [received(SHORT), received(BLOCK)]
        assert scene.connection.downloaded_bytes == SHORT.length + BLOCK.length
        assert scene.connection.outstanding.count == 0
        assert scene.connection.last_block_at == scene.now
        assert scene.connection.download_rate.bytes_per_s(scene.now) > 0

    def test_a_block_that_lies_whole_in_the_data_is_not_copied(self) -> None:
        scene = Scene()
        scene.ask(BLOCK)
        buffer = bytearray(piece(BLOCK))
        (told,) = scene.connection.receive_data(memoryview(buffer), scene.now)
        assert isinstance(told, events.BlockReceived)
        buffer[-1] = 0xEE
        assert told.data[-1] == 0xEE

    def test_a_block_that_straddles_is_not_spoilt_by_what_follows(self) -> None:
        scene = Scene()
        blocks = GEOMETRY.blocks(4)
        scene.ask(*blocks)
        stream = b"".join(piece(block, bytes([n])) for n, block in enumerate(blocks))
        found = []
        for at in range(0, len(stream), 7000):
            buffer = bytearray(stream[at : at + 7000])
            for told in scene.connection.receive_data(memoryview(buffer), scene.now):
                assert isinstance(told, events.BlockReceived)
                found.append((BlockRef(4, told.begin, len(told.data)), set(told.data.tolist())))
            buffer[:] = b"\xee" * len(buffer)
        assert found == [(block, {n}) for n, block in enumerate(blocks)]

    def test_blocks_are_copied_once_to_their_place_and_told_as_runs_of_a_piece(self) -> None:
        scene = Scene()
        places = {index: memoryview(bytearray(GEOMETRY.piece_size(index))) for index in (4, 10)}
        scene.connection.piece_buffers = places
        blocks = GEOMETRY.blocks(4)
        scene.ask(*blocks, SHORT)
        told = scene.say(*(piece(block, b"4") for block in blocks), piece(SHORT, b"s"))
        assert told == [
            events.BlocksReceived(4, places[4], [block.begin for block in blocks]),
            events.BlocksReceived(10, places[10], [0]),
        ]
        assert bytes(places[4]) == b"4" * 40_000 and bytes(places[10]) == b"s" * 5_000
        assert scene.connection.downloaded_bytes == 45_000

    @pytest.mark.parametrize("chunk", [1, 13, 14, 1000, BLOCK_BYTES, 39_999])
    def test_blocks_find_their_place_however_the_stream_is_cut(self, chunk: int) -> None:
        scene = Scene()
        place = memoryview(bytearray(40_000))
        scene.connection.piece_buffers = {4: place}
        blocks = GEOMETRY.blocks(4)
        scene.ask(*blocks)
        stream = b"".join(piece(block, bytes([n + 1])) for n, block in enumerate(blocks))
        begins = []
        for at in range(0, len(stream), chunk):
            for told in scene.connection.receive_data(memoryview(stream[at : at + chunk]), 0.0):
                assert isinstance(told, events.BlocksReceived)
                begins += told.begins
        assert begins == [block.begin for block in blocks]
        assert bytes(place) == b"\1" * 16_384 + b"\2" * 16_384 + b"\3" * 7_232

    def test_what_is_not_outstanding_any_more_is_not_placed(self) -> None:
        """Somebody else may have sent it meanwhile, and it may be on its way to the disk."""
        scene = Scene()
        place = memoryview(bytearray(40_000))
        scene.connection.piece_buffers = {0: place}
        scene.ask(BLOCK)
        scene.connection.send_cancel(BLOCK)
        assert scene.say(piece(BLOCK)) == [received(BLOCK)]
        assert not any(place)

    def test_a_block_after_its_time_out_is_taken(self) -> None:
        scene = Scene()
        scene.ask(BLOCK)
        assert scene.later(20.0) == [events.RequestsTimedOut([BLOCK])]
        assert scene.say(piece(BLOCK)) == [received(BLOCK)]
        assert scene.connection.wasted_bytes == 0

    def test_a_block_after_its_cancel_is_taken(self) -> None:
        scene = Scene()
        scene.ask(BLOCK)
        scene.connection.send_cancel(BLOCK)
        assert scene.say(piece(BLOCK)) == [received(BLOCK)]

    @pytest.mark.parametrize(
        "block",
        [OTHER, BlockRef(0, 1, 16), BlockRef(0, 0, 16), BlockRef(1, 0, BLOCK_BYTES)],
        ids=["other", "wrong begin", "wrong length", "wrong piece"],
    )
    def test_a_block_that_nobody_asked_for_is_waste(self, block: BlockRef) -> None:
        """Security W6."""
        scene = Scene()
        scene.ask(BLOCK)
        assert scene.say(piece(block)) == [events.UnrequestedBlock(block.length)]
        assert scene.connection.wasted_bytes == block.length
        assert scene.connection.downloaded_bytes == 0
        assert BLOCK in scene.connection.outstanding

    def test_a_second_copy_is_waste(self) -> None:
        scene = Scene()
        scene.ask(BLOCK)
        told = scene.say(piece(BLOCK), piece(BLOCK))
        assert told == [received(BLOCK), events.UnrequestedBlock(BLOCK.length)]

    def test_more_than_a_twentieth_of_waste_ends_the_connection(self) -> None:
        scene = Scene()
        for _ in range(UNREQUESTED_BYTES_FREE // BLOCK.length):
            scene.say(piece(BLOCK))
        scene.refuses(piece(BLOCK))

    def test_a_mebibyte_of_waste_ends_the_connection_however_much_came(self) -> None:
        scene = Scene()
        for _ in range(20 * UNREQUESTED_BYTES_MAX // BLOCK.length + 100):
            scene.ask(BLOCK)
            scene.say(piece(BLOCK))
        for _ in range(UNREQUESTED_BYTES_MAX // BLOCK.length):
            scene.say(piece(BLOCK))
        scene.refuses(piece(BLOCK))
