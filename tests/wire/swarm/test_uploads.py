"""What we owe peers, read and sent (BEP 3, 6; security W5, W8)."""

import pytest

from tests.wire.swarm.scene import TORRENT, Guest, Scene, ask, leecher, seeding
from tests.wire.torrents import single_file
from torrentd.config.schema import Limits
from torrentd.wire.formats.address import AddressPolicy
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.peer.events import Choked, RequestRejected, Unchoked
from torrentd.wire.swarm.actions import ReadBlocks
from torrentd.wire.swarm.throttle import Throttle
from torrentd.wire.swarm.uploads import REFUSALS_MAX


def test_blocks_of_one_piece_are_read_together() -> None:
    scene = seeding()
    blocks = scene.info.geometry.blocks
    ask(leecher(scene), *blocks(2), *blocks(5))
    reads = scene.told(ReadBlocks)
    assert [(read.piece_index, len(read.blocks)) for read in reads] == [(2, 3), (5, 3)]


def test_no_more_is_read_than_the_peer_may_have_waiting() -> None:
    scene = seeding(limits=Limits(send_buffer_bytes_max=64 * 1024))
    guest = leecher(scene)
    ask(guest, *(block for i in range(6) for block in scene.info.geometry.blocks(i)))
    read = sum(length for read in scene.told(ReadBlocks) for _, length in read.blocks)
    assert 0 < read <= 64 * 1024
    assert scene.peer(guest).reading_bytes == read


def test_what_is_read_is_read_once_however_often_it_is_asked_for() -> None:
    scene = seeding()
    guest = leecher(scene)
    block = BlockRef(0, 0, 16384)
    for _ in range(20):
        ask(guest, block)
    assert len(scene.told(ReadBlocks)) == 1


def test_a_cancel_before_the_disk_answers_is_not_sent() -> None:
    scene = seeding()
    guest = leecher(scene)
    first, second, _ = scene.info.geometry.blocks(0)
    ask(guest, first, second)
    guest.far.send_cancel(first)
    guest.flush()
    scene.read()
    assert scene.swarm.uploaded_bytes == second.length


def test_a_piece_that_we_lack_is_rejected_and_not_for_ever() -> None:
    scene = Scene(opened=False)
    scene.open(scene.pieces(1))
    guest = leecher(scene)
    ask(guest, BlockRef(0, 0, 16384), BlockRef(1, 0, 16384))
    assert guest.said(RequestRejected) == [RequestRejected(BlockRef(0, 0, 16384))]
    assert scene.read() == [(1, 0)]
    for _ in range(REFUSALS_MAX):
        ask(guest, BlockRef(0, 0, 16384))
    assert scene.closed() == ["requests for pieces that we never had"]


def test_who_is_choked_is_not_served() -> None:
    scene = seeding(limits=Limits(unchoke_slots=1))
    leecher(scene)
    second = Guest(scene, "20.1.0.1", pieces=scene.pieces())
    second.far.send_interested()
    second.flush()
    assert second.said(Unchoked) == []
    fast = next(iter(second.far.allowed_fast_in))
    slow = next(i for i in range(12) if i not in second.far.allowed_fast_in)
    ask(second, BlockRef(slow, 0, 100), BlockRef(fast, 0, 100))
    assert second.said(RequestRejected) == [RequestRejected(BlockRef(slow, 0, 100))]
    assert scene.read() == [(fast, 0)]


def test_allowed_fast_names_only_pieces_that_we_have() -> None:
    scene = Scene(opened=False)
    scene.open(scene.pieces(*range(6)))
    guest = Guest(scene, pieces=scene.pieces())
    assert guest.far.allowed_fast_in
    assert all(piece_index < 6 for piece_index in guest.far.allowed_fast_in)


@pytest.mark.parametrize("fast", [True, False])
def test_a_re_download_bot_gets_three_copies_and_no_more(fast: bool) -> None:
    """T23: it comes again and again with an empty bitfield and another peer id."""
    scene = seeding()
    served = 0
    for _ in range(8):
        guest = Guest(scene, pieces=scene.pieces() if fast else None, fast=fast)
        guest.far.send_interested()
        guest.flush()
        for piece_index in range(13):
            if not guest.far.peer_choking:
                ask(guest, *scene.info.geometry.blocks(piece_index))
                scene.read()
        scene.do(scene.swarm.connection_lost(guest.near, scene.now))
        scene.later(11)
    served = scene.swarm.uploaded_bytes
    assert 3 * len(TORRENT.content) <= served < 3.2 * len(TORRENT.content)
    other = leecher(scene, "20.1.0.1")
    ask(other, BlockRef(0, 0, 16384))
    assert scene.read() == [(0, 0)], "others are unaffected"


def test_one_that_had_enough_is_choked_while_it_is_here() -> None:
    scene = seeding()
    guest = leecher(scene)
    for _ in range(4):
        for piece_index in range(13):
            ask(guest, *scene.info.geometry.blocks(piece_index))
            scene.read()
    scene.later(11)
    assert guest.said(Choked)
    assert scene.swarm.uploaded_bytes < 3.2 * len(TORRENT.content)


def test_a_peer_that_says_what_it_gains_may_come_again() -> None:
    """Many behind one address: each takes the torrent once, and tells."""
    scene = seeding()
    for _ in range(6):
        guest = leecher(scene)
        for piece_index in range(13):
            ask(guest, *scene.info.geometry.blocks(piece_index))
            scene.read()
            guest.far.send_have(piece_index)
            guest.flush()
        scene.do(scene.swarm.connection_lost(guest.near, scene.now))
        scene.later(11)
    assert scene.swarm.uploaded_bytes == 6 * len(TORRENT.content)


def test_a_peer_whose_claims_do_not_match_what_it_was_sent_is_served_last() -> None:
    """Complaint 16: it takes 20 MiB, says that it has nothing, and so looks like a newcomer."""
    big = single_file(bytes(24 * 1024**2), 256 * 1024)
    scene = Scene(big, opened=False, limits=Limits(unchoke_slots=1))
    scene.open(scene.full())
    faker = leecher(scene)
    for piece_index in range(80):
        ask(faker, *scene.info.geometry.blocks(piece_index))
        scene.read()
    honest = [Guest(scene, f"20.{n}.0.1", pieces=scene.pieces()) for n in range(1, 4)]
    for guest in honest:
        guest.far.send_interested()
        guest.flush()
    scene.later(31)
    assert faker.said(Choked)
    for _ in range(20):
        scene.later(30)
        assert faker.far.peer_choking
    assert all(guest.said(Unchoked) for guest in honest)


def test_a_flood_of_requests_stays_within_the_queue() -> None:
    """W5: 512 are kept, the others rejected."""
    scene = seeding()
    guest = leecher(scene)
    scene.swarm.transport_paused(guest.near)
    blocks = [BlockRef(0, begin, 1) for begin in range(3000)]
    for at in range(0, 3000, 500):
        ask(guest, *blocks[at : at + 500])
    assert len(guest.near.owed) <= 512
    assert scene.told(ReadBlocks) == []


class TestRateLimit:
    RATE = 64 * 1024

    def _served(self, scene: Scene, seconds: int) -> dict[PeerConnection, int]:
        """Bytes that each guest was sent, its requests renewed all the time."""
        everything = [block for i in range(12) for block in scene.info.geometry.blocks(i)]
        for _ in range(seconds * 10):
            for guest in scene.guests.values():
                if len(guest.near.owed) < 10:
                    ask(guest, *everything)
            scene.read()
            scene.later(0.1)
        return {guest.near: guest.near.uploaded_bytes for guest in scene.guests.values()}

    def test_peers_together_are_sent_what_it_allows_and_share_it(self) -> None:
        scene = seeding(upload=Throttle(self.RATE, 1000.0))
        for number in range(3):
            leecher(scene, f"20.{number}.0.1")
        sent = self._served(scene, 12)
        assert sum(sent.values()) == pytest.approx(12 * self.RATE, rel=0.1)
        for one in sent.values():
            assert one == pytest.approx(4 * self.RATE, rel=0.25)

    def test_nothing_waits_in_front_of_what_we_have_to_say(self) -> None:
        """A block is queued when it may be sent, so that our own requests are never late."""
        scene = seeding(upload=Throttle(self.RATE, 1000.0))
        guest = leecher(scene)
        ask(guest, *(block for i in range(12) for block in scene.info.geometry.blocks(i)))
        scene.read()
        assert len(guest.near.owed) > 20
        assert guest.near.uploaded_bytes <= 2 * 16_384

    @pytest.mark.parametrize("spares_local", [True, False])
    def test_the_local_network_is_spared_unless_asked_for(self, spares_local: bool) -> None:
        upload = Throttle(self.RATE, 1000.0, spares_local=spares_local)
        scene = seeding(upload=upload, policy=AddressPolicy(allow_local=True))
        guest = leecher(scene, "192.168.1.7")
        ask(guest, *(block for i in range(8) for block in scene.info.geometry.blocks(i)))
        scene.read()
        assert (not guest.near.owed) is spares_local

    def test_a_limit_that_is_lifted_serves_those_who_waited(self) -> None:
        upload = Throttle(1000, 1000.0)
        scene = seeding(upload=upload)
        guest = leecher(scene)
        ask(guest, *scene.info.geometry.blocks(0), *scene.info.geometry.blocks(1))
        scene.read()
        assert guest.near.owed
        upload.set_rate(0, scene.now)
        scene.later(1.0)
        scene.read()
        assert not guest.near.owed
