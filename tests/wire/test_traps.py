"""What caught others, each as a peer or a torrent that does it to a whole swarm (BEP 3, 5, 6, 9).

The rooms have finer tests of most of it: test_geometry, test_pipeline, test_download, test_picker,
test_info_download, test_receiver. Here nothing is left out between the bytes and the verdict.
"""

import random
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from tests.wire.swarm.scene import PIECES, TORRENT, Guest, Scene, ask, leecher, seeding
from tests.wire.torrents import Torrent, single_file
from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.formats.messages import encode_bitfield, encode_cancel, encode_have_all
from torrentd.wire.formats.metadata import MetadataRequest
from torrentd.wire.formats.pex import Pex
from torrentd.wire.peer.events import (
    BlockReceived,
    MetadataMessage,
    PexReceived,
    PiecesChanged,
    RequestRejected,
)
from torrentd.wire.swarm.actions import Dial, MetadataComplete, ReadBlocks

LAST = PIECES - 1


def seed(scene: Scene, host: str = "20.0.0.1", *, fast: bool = True) -> Guest:
    """One that has everything and serves it."""
    guest = Guest(scene, host, pieces=scene.full(), fast=fast)
    guest.unchoke()
    return guest


def fetch(scene: Scene, *guests: Guest) -> None:
    """They answer until nothing is asked for any more."""
    for _ in range(10_000):
        for guest in guests:
            if guest.near in scene.swarm.connections:
                guest.answer_all()
        if not scene.hash_and_store():
            return
    raise AssertionError("pieces without end")


@pytest.mark.parametrize("piece_length", [1, 1000, 16_383, 16_385, 40_000, 3 * 16_384 + 1])
def test_piece_length_that_is_no_multiple_of_16_kib(piece_length: int) -> None:
    content = random.Random(16).randbytes(5 * piece_length + (piece_length + 1) // 2)
    fetched_and_served(single_file(content, piece_length))


@pytest.mark.parametrize("piece_length", [1, 16_384, 262_144])
def test_a_torrent_of_one_byte(piece_length: int) -> None:
    fetched_and_served(single_file(b"x", piece_length))


def fetched_and_served(torrent: Torrent) -> None:
    """Every byte of it, in and out."""
    scene = Scene(torrent)
    fetch(scene, seed(scene))
    assert scene.swarm.have.all()
    assert (scene.swarm.downloaded_bytes, scene.swarm.wasted_bytes) == (len(torrent.content), 0)
    guest = leecher(scene, "20.1.0.1")
    geometry = torrent.info.geometry
    ask(guest, *(block for i in range(geometry.piece_count) for block in geometry.blocks(i)))
    scene.read()
    served = sorted(
        (each.piece_index, each.begin, bytes(each.data)) for each in guest.said(BlockReceived)
    )
    assert b"".join(data for _, _, data in served) == torrent.content


@pytest.mark.parametrize("fast", [True, False])
def test_a_block_that_comes_after_its_time_out(fast: bool) -> None:
    """It is taken though another was asked meanwhile, and whoever sent it is asked again."""
    scene = Scene()
    scene.open(scene.pieces(*range(2, PIECES)))
    slow = seed(scene, fast=fast)
    asked = slow.owed
    scene.later(25)
    assert slow.near.snubbed
    quick = seed(scene, "20.1.0.1")
    assert set(quick.owed) == set(asked)
    slow.answer(asked[0])
    assert set(quick.owed) == set(asked[1:]), "not cancelled"
    assert asked[1] in slow.owed or asked[2] in slow.owed, "not asked again"
    fetch(scene, quick, slow)
    assert scene.swarm.have.all()
    assert scene.swarm.wasted_bytes == 0


class TestABadPieceFromTheLastCandidate:
    def test_of_one_who_sent_it_alone(self) -> None:
        """There is nobody left, and the next one who comes is asked for it."""
        scene = Scene()
        liar = seed(scene)
        liar.answer(spoil=True)
        assert not any(scene.hash_and_store().values())
        assert scene.swarm.connections == []
        fetch(scene, seed(scene, "20.1.0.1"))
        assert scene.swarm.have.all()

    @pytest.mark.parametrize("lies_again", [False, True])
    def test_of_one_who_had_a_part_in_it(self, lies_again: bool) -> None:
        """Nobody else has the piece: it is fetched from one of those who spoiled it."""
        scene = Scene()
        scene.open(scene.pieces(*range(1, PIECES)))
        first, last = seed(scene), seed(scene, "20.1.0.1")
        first.answer(*first.owed[:1], spoil=True)
        first.choke()
        last.answer_all()
        assert scene.hash_and_store() == {0: False}
        scene.do(scene.swarm.connection_lost(first.near, scene.now))
        last.answer_all(spoil=lies_again)
        assert scene.hash_and_store() == {0: not lies_again}
        if lies_again:
            assert scene.swarm.connections == []
            fetch(scene, seed(scene, "20.2.0.1"))
        assert scene.swarm.have.all()


def says_nothing(guest: Guest) -> None:
    """It takes the request, and that is all."""


def rejects(guest: Guest) -> None:
    for block in guest.owed:
        guest.far.send_reject(block)
    guest.flush()


def leaves(guest: Guest) -> None:
    guest.scene.do(guest.scene.swarm.connection_lost(guest.near, guest.scene.now))


def drips(guest: Guest) -> None:
    """One block, and then nothing."""
    guest.answer(guest.owed[0])


class TestStuckAt99PerCent:
    """One piece is lacking, and whoever was asked for it first does not send it."""

    @pytest.mark.parametrize("trusted", [True, False])
    @pytest.mark.parametrize("does", [says_nothing, rejects, leaves, drips, Guest.choke])
    def test_another_sends_it(self, does: Callable[[Guest], None], trusted: bool) -> None:
        scene = Scene()
        scene.open(scene.pieces(*range(1, PIECES)))
        first = seed(scene)
        scene.peer(first).verified = int(trusted)
        assert {block.piece_index for block in first.owed} == {0}
        does(first)
        other = seed(scene, "20.1.0.1")
        scene.peer(other).verified = int(trusted)
        for _ in range(100):
            fetch(scene, other)
            scene.later(1)
        assert scene.swarm.have.all()

    @pytest.mark.parametrize("does", [says_nothing, rejects, drips, Guest.choke])
    def test_the_only_one_who_has_it_sends_it_in_the_end(
        self, does: Callable[[Guest], None]
    ) -> None:
        scene = Scene()
        scene.open(scene.pieces(*range(1, PIECES)))
        only = seed(scene)
        does(only)
        scene.later(45)
        only.unchoke()
        scene.later(45)
        fetch(scene, only)
        assert scene.swarm.have.all()

    def test_the_last_piece_of_one_on_parole_who_does_not_serve(self) -> None:
        scene = Scene()
        scene.open(scene.pieces(*range(1, PIECES)))
        first, second = seed(scene), seed(scene, "20.1.0.1")
        first.answer(first.owed[0], spoil=True)
        first.choke()
        second.answer_all()
        assert scene.hash_and_store() == {0: False}
        third = seed(scene, "20.2.0.1")
        for guest in (first, second, third):
            guest.choke()
        scene.later(90)
        third.unchoke()
        fetch(scene, third)
        assert scene.swarm.have.all()


def test_a_metadata_request_dropped_by_the_peer() -> None:
    """It is the only one who has it: "stuck at 50 % until a restart"."""
    many = single_file(random.Random(9).randbytes(40_000), 20)  # three pieces of metadata
    scene = Scene(many, magnet=True)
    guest = Guest(scene, pieces=None)
    guest.say_extensions(metadata_size=len(many.metadata))

    def requests() -> list[int]:
        asked = [event.message for event in guest.said(MetadataMessage)]
        return [each.piece for each in asked if isinstance(each, MetadataRequest)]

    def send(piece: int) -> None:
        data = many.metadata[piece * 16384 : (piece + 1) * 16384]
        guest.far.send_metadata_data(piece, len(many.metadata), data)
        guest.flush()

    assert set(requests()) == {0, 1, 2}
    send(0)
    send(2)
    scene.later(60)
    again = requests()
    assert again and set(again) == {1}
    send(1)
    assert [each.metadata for each in scene.told(MetadataComplete)] == [many.metadata]


class TestAPeerOnPort1:
    """Port 1 is what some announce who cannot be reached, and what some are who want a swarm to
    knock at other services."""

    def test_it_is_not_dialed_whoever_tells(self) -> None:
        scene = Scene()
        one = Address("20.3.0.1", 1)
        scene.do(scene.swarm.peers_found([one, Address("20.4.0.1", 6881)], "dht", scene.now))
        gossip = Guest(scene, pieces=scene.pieces())
        gossip.say_extensions()
        gossip.far.send_pex(Pex([(Address("20.5.0.1", 1), 0)]))
        gossip.flush()
        scene.later(3600)
        assert [dial.address for dial in scene.told(Dial)] == [Address("20.4.0.1", 6881)]

    def test_one_that_comes_by_itself_is_a_peer_and_nobody_is_told_of_its_port(self) -> None:
        scene = seeding()
        guest = leecher(scene)
        guest.say_extensions(listen_port=1)
        other = Guest(scene, "20.1.0.1", pieces=scene.pieces())
        other.say_extensions()
        ask(guest, BlockRef(0, 0, 16384))
        assert scene.read() == [(0, 0)]
        scene.later(120)
        assert other.said(PexReceived) == []
        leaves(guest)
        scene.later(3600)
        assert scene.told(Dial) == []

    def test_a_closed_network_may_use_it(self) -> None:
        scene = Scene(policy=AddressPolicy(allow_local=True))
        one = Address("10.0.0.1", 1)
        scene.do(scene.swarm.peers_found([one], "dht", scene.now))
        assert [dial.address for dial in scene.told(Dial)] == [one]


def test_100_000_pieces() -> None:
    """As many steps for each of 300 pieces that are lacking as in a torrent of 1,000: no walk."""

    def steps(piece_count: int) -> int:
        torrent = single_file(random.Random(5).randbytes(piece_count), 1)
        scene = Scene(torrent)
        geometry = scene.info.geometry
        lacking = random.Random(7).sample(range(geometry.piece_count), 300)
        have = scene.full()
        for piece_index in lacking:
            have.clear(piece_index)
        scene.open(have)
        guest = seed(scene)
        count = 0

        def counting(frame: FrameType, event: str, argument: object) -> None:
            nonlocal count
            count += event == "call"

        sys.setprofile(counting)
        try:
            for _ in range(300):
                if not guest.owed:
                    break
                guest.answer(guest.owed[0])
                scene.store()
        finally:
            sys.setprofile(None)
        assert scene.swarm.have.all()
        return count

    assert steps(100_000) < 1.2 * steps(1_000)


class TestABitfieldThatComesLate:
    @pytest.mark.parametrize(
        "late", [encode_have_all(), encode_bitfield(b"\xff\xf8")], ids=["have-all", "bitfield"]
    )
    def test_behind_haves_and_other_messages(self, late: bytes) -> None:
        """libtorrent ends super seeding so."""
        scene = Scene()
        guest = Guest(scene, pieces=scene.pieces())
        guest.say_extensions()
        guest.far.send_have(3)
        guest.unchoke()
        assert {block.piece_index for block in guest.owed} == {3}
        guest.far._queue(late)
        guest.flush()
        fetch(scene, guest)
        assert scene.swarm.have.all()

    def test_or_not_at_all(self) -> None:
        """ "Downloaders which don't have anything yet may skip the 'bitfield' message"."""
        scene = Scene()
        guest = Guest(scene, fast=False)
        guest.unchoke()
        assert guest.said(PiecesChanged) == [] and guest.owed == []
        for piece_index in range(PIECES):
            guest.far.send_have(piece_index)
        guest.flush()
        fetch(scene, guest)
        assert scene.swarm.have.all()


@pytest.mark.parametrize("fast", [True, False])
def test_a_peer_that_chokes_in_the_middle_of_a_piece(fast: bool) -> None:
    """Each time after one block: what came stays, and it goes on where it was."""
    scene = Scene()
    guest = seed(scene, fast=fast)
    for _ in range(100):
        if scene.swarm.have.all():
            break
        guest.answer(guest.owed[0])
        guest.choke()
        assert not guest.owed
        scene.hash_and_store()
        guest.unchoke()
    assert scene.swarm.have.all()
    assert scene.swarm.downloaded_bytes == len(TORRENT.content)
    assert scene.swarm.wasted_bytes == 0


def test_a_peer_that_asks_for_what_it_has() -> None:
    """It may have lost it: it is served when it insists, and that is no reason to part."""
    scene = seeding()
    guest = leecher(scene)
    guest.far.send_have(4)
    guest.flush()
    for _ in range(20):
        ask(guest, *scene.info.geometry.blocks(4))
        scene.read()
    assert len(guest.said(BlockReceived)) >= 19 * 3
    assert scene.closed() == []


@pytest.mark.parametrize("queue", [16, 512, 5000])
def test_2000_requests_in_one_read(queue: int) -> None:
    """Each gets exactly one answer (BEP 6), and the connection goes on."""
    scene = seeding(limits=Limits(requests_queued_max=queue))
    guest = leecher(scene)
    blocks = [BlockRef(i % 12, 16 * (i // 12), 16) for i in range(2000)]
    ask(guest, *blocks)
    scene.read()
    sent = [(b.piece_index, b.begin) for b in guest.said(BlockReceived)]
    refused = [(r.block.piece_index, r.block.begin) for r in guest.said(RequestRejected)]
    assert sorted(sent + refused) == sorted((b.piece_index, b.begin) for b in blocks)
    assert len(sent) == min(queue, 2000)
    ask(guest, BlockRef(LAST, 0, 100))
    assert scene.read() == [(LAST, 0)]
    assert scene.closed() == []


@pytest.mark.parametrize("fast", [True, False])
def test_requests_and_cancels_in_the_same_read(fast: bool) -> None:
    """What is cancelled is not read from the disk; with BEP 6 it gets its one answer."""
    scene = seeding()
    guest = leecher(scene, fast=fast)
    blocks = [block for i in range(12) for block in scene.info.geometry.blocks(i)]
    guest.far.send_requests(blocks, scene.now)
    for block in blocks[::2]:
        guest.far._queue(encode_cancel(block))
    guest.flush()
    reads = [
        (read.piece_index, begin)
        for read in scene.told(ReadBlocks)
        for begin, _ in read.blocks
        if read.connection is guest.near
    ]
    assert not {(b.piece_index, b.begin) for b in blocks[::2]} & set(reads)
    rejected = [reject.block for reject in guest.said(RequestRejected)]
    assert rejected == (blocks[::2] if fast else [])


class TestASeederThatDisconnectsSeeders:
    @pytest.mark.parametrize("who", ["it", "we"])
    def test_it_is_not_dialed_again_for_nothing(self, who: str) -> None:
        """Once both have everything, whoever parts first: before that it was run after, found to be
        a seed, parted from, and run after again."""
        scene = Scene()
        (address,) = scene.find("20.0.0.1")
        guest = Guest(scene, "20.0.0.1", dialed=True, pieces=scene.full())
        guest.unchoke()
        if who == "it":
            scene.swarm._part_if_done = lambda *_: None  # type: ignore[method-assign]  # it is quicker
        fetch(scene, guest)
        assert scene.swarm.is_complete
        if who == "it":
            leaves(guest)
        assert scene.swarm.connections == []
        scene.later(12 * 3600)
        assert scene.told(Dial) == []
        scene.do(scene.swarm.piece_lost(3, scene.now))
        assert scene.told(Dial) == [Dial(address)], "it has what we lack now"

    def test_one_that_leaves_before_we_have_everything_is_dialed_again(self) -> None:
        scene = Scene()
        (address,) = scene.find("20.0.0.1")
        guest = Guest(scene, "20.0.0.1", dialed=True, pieces=scene.full())
        guest.unchoke()
        guest.answer(guest.owed[0])
        leaves(guest)
        scene.later(30)
        assert scene.told(Dial) == [Dial(address)]


class TestAPeerThatAsksForWhatWeLost:
    """A disk error or a check took the piece; the peer was told that we have it."""

    def test_it_is_told_no_and_stays(self) -> None:
        scene = seeding()
        guest = leecher(scene)
        scene.do(scene.swarm.piece_lost(3, scene.now))
        for _ in range(100):
            ask(guest, BlockRef(3, 0, 16384))
        assert len(guest.said(RequestRejected)) == 100
        assert scene.closed() == []
        ask(guest, BlockRef(4, 0, 16384))
        assert scene.read() == [(4, 0)]

    def test_one_that_asks_for_ever_is_parted_from_without_blame(self) -> None:
        """It cannot be told otherwise (BEP 54): when it comes again it sees what there is."""
        scene = seeding()
        guest = leecher(scene)
        scene.do(scene.swarm.piece_lost(3, scene.now))
        for _ in range(scene.limits.requests_queued_max + 1):
            ask(guest, BlockRef(3, 0, 16384))
        assert scene.closed() == ["it will not see that we lost pieces"]
        Guest(scene, pieces=scene.pieces())
        assert scene.closed() == []
