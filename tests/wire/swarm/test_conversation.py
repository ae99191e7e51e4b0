"""What peers say and what is answered: greetings, extensions, partings, and no exception ever
(BEP 3, 5, 6, 9, 10, 11)."""

import random

import pytest

from tests.wire.swarm.scene import TORRENT, Guest, Scene
from tests.wire.torrents import single_file
from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.extension import OUR_MESSAGE_IDS
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.formats.messages import (
    encode_allowed_fast,
    encode_bitfield,
    encode_cancel,
    encode_choke,
    encode_extended,
    encode_have,
    encode_have_all,
    encode_interested,
    encode_not_interested,
    encode_piece_header,
    encode_port,
    encode_reject,
    encode_requests,
    encode_unchoke,
)
from torrentd.wire.formats.metadata import (
    MetadataData,
    MetadataReject,
    MetadataRequest,
    encode_metadata,
)
from torrentd.wire.formats.pex import Pex, encode_pex
from torrentd.wire.peer.events import (
    AllowedFast,
    ExtensionHandshakeReceived,
    HandshakeCompleted,
    PiecesChanged,
    PortReceived,
    RequestRejected,
    Unchoked,
)
from torrentd.wire.swarm.actions import NodeSeen, ReadBlocks, StorePiece
from torrentd.wire.swarm.conversation import DECLINED_S


class TestGreeting:
    @pytest.mark.parametrize("dialed", [True, False])
    def test_bitfield_first_then_what_we_can(self, dialed: bool) -> None:
        scene = Scene(opened=False)
        scene.open(scene.pieces(0, 5))
        if dialed:
            scene.find("20.0.0.1")
        guest = Guest(scene, dialed=dialed)
        kinds = [type(event) for event in guest.heard]
        assert HandshakeCompleted in kinds
        assert kinds.index(PiecesChanged) >= 0
        assert guest.far.pieces == scene.pieces(0, 5)
        (extensions,) = guest.said(ExtensionHandshakeReceived)
        handshake = extensions.handshake
        assert handshake.metadata_size == len(TORRENT.metadata)
        assert handshake.message_ids.keys() == set(OUR_MESSAGE_IDS)
        assert handshake.listen_port == (6881 if dialed else None)
        assert not handshake.upload_only
        assert [event.address.port for event in guest.said(PortReceived)] == [6881]

    def test_a_complete_torrent_says_upload_only(self) -> None:
        """BEP 21, at once or when it becomes true."""
        scene = Scene(opened=False)
        scene.open(scene.full())
        (first,) = Guest(scene, pieces=scene.pieces()).said(ExtensionHandshakeReceived)
        assert first.handshake.upload_only
        scene = Scene()
        watcher = Guest(scene, "20.1.0.1", pieces=scene.pieces())
        watcher.said(ExtensionHandshakeReceived)
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        while not scene.swarm.is_complete:
            guest.answer_all()
            scene.hash_and_store()
        (later,) = watcher.said(ExtensionHandshakeReceived)
        assert later.handshake.upload_only

    def test_a_peer_without_the_fast_extension_is_told_nothing_when_there_is_nothing(self) -> None:
        scene = Scene()
        guest = Guest(scene, fast=False)
        assert guest.said(PiecesChanged) == []
        assert guest.near in scene.swarm.connections

    def test_what_came_behind_an_incoming_handshake_is_read_at_once(self) -> None:
        scene = Scene()
        guest = Guest(scene, greet=False)
        guest.far.send_pieces(None)
        guest.far._queue(encode_unchoke() + encode_have(3))
        guest.near.receive_data(memoryview(b"".join(guest.far.data_to_send())), scene.now)
        scene.do(scene.swarm.add_connection(guest.near, scene.now))
        assert {block.piece_index for block in scene.peer(guest).connection.outstanding} == {3}

    def test_who_never_shakes_hands_goes_after_ten_seconds(self) -> None:
        scene = Scene()
        scene.find("20.0.0.1")
        Guest(scene, dialed=True, greet=False)
        scene.later(11)
        assert scene.closed() == ["no handshake within ten seconds"]


class TestUnchoke:
    def test_an_interested_peer_is_unchoked_at_once_while_there_are_slots(self) -> None:
        """The first byte must not wait for a round of ten seconds."""
        scene = Scene(opened=False)
        scene.open(scene.full())
        guests = [Guest(scene, f"20.{n}.0.1", pieces=scene.pieces()) for n in range(6)]
        for guest in guests:
            guest.far.send_interested()
            guest.flush()
        assert [bool(guest.said(Unchoked)) for guest in guests] == [True] * 4 + [False] * 2

    def test_who_leaves_makes_room_at_once(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        guests = [Guest(scene, f"20.{n}.0.1", pieces=scene.pieces()) for n in range(5)]
        for guest in guests:
            guest.far.send_interested()
            guest.flush()
        assert not guests[4].said(Unchoked)
        scene.do(scene.swarm.connection_lost(guests[0].near, scene.now))
        assert guests[4].said(Unchoked)

    def test_everybody_gets_a_turn_of_a_seed(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        guests = [Guest(scene, f"20.{n}.0.1", pieces=scene.pieces()) for n in range(8)]
        for guest in guests:
            guest.far.send_interested()
            guest.flush()
        for _ in range(80):
            scene.later(1)
        assert all(guest.said(Unchoked) for guest in guests)


class TestExtensions:
    def test_a_dht_port_is_passed_on_unless_the_address_is_local(self) -> None:
        scene = Scene()
        for host, known in (("20.0.0.1", True), ("10.0.0.1", False)):
            guest = Guest(scene, host)
            guest.far.send_port(7777)
            guest.flush()
            expected = [NodeSeen(Address(host, 7777))] if known else []
            assert scene.told(NodeSeen) == expected

    def test_metadata_is_announced_again_when_it_is_known(self) -> None:
        scene = Scene(magnet=True)
        waiting, giver = Guest(scene, "20.1.0.1"), Guest(scene)
        size = len(TORRENT.metadata)
        waiting.said(ExtensionHandshakeReceived)
        giver.say_extensions(metadata_size=size)
        giver.far.send_metadata_data(0, size, TORRENT.metadata)
        giver.flush()
        (again,) = waiting.said(ExtensionHandshakeReceived)
        assert again.handshake.metadata_size == size

    def test_who_lies_about_the_metadata_is_told_to_go(self) -> None:
        scene = Scene(magnet=True)
        liar = Guest(scene)
        liar.say_extensions(metadata_size=1000)
        liar.far.send_metadata_data(0, 1000, bytes(1000))
        liar.flush()
        assert scene.closed() == ["metadata that does not match the infohash"]
        assert scene.swarm.info is None

    def test_metadata_that_nobody_asked_for_is_not_taken(self) -> None:
        scene = Scene(magnet=True)
        guest = Guest(scene)
        guest.say_extensions()
        for _ in range(6):
            guest.far.send_metadata_data(0, len(TORRENT.metadata), TORRENT.metadata)
        guest.flush()
        assert scene.swarm.info is None


def messages(rng: random.Random) -> bytes:
    """One message, well made, of a peer with no manners."""
    index = rng.choice([0, 3, 12, 13, 2**31])
    block = BlockRef(index, rng.choice([0, 16384, 32768, 5]), rng.choice([1, 16384, 7232, 99_999]))
    data = TORRENT.piece(index) if index < 13 else b""
    size = rng.choice([len(TORRENT.metadata), 5, 40_000])
    payload = (TORRENT.metadata * 99)[: min(size, 16384)]
    return rng.choice(
        [
            encode_choke(),
            encode_unchoke(),
            encode_interested(),
            encode_not_interested(),
            encode_have(index),
            encode_have_all(),
            encode_bitfield(Bitfield.full(13).to_bytes()),
            encode_requests([block] * rng.randrange(1, 4)),
            encode_cancel(block),
            encode_reject(block),
            encode_allowed_fast(index),
            encode_port(rng.randrange(65536)),
            encode_piece_header(*block) + (data + bytes(block.length))[: block.length],
            encode_extended(2, encode_metadata(MetadataRequest(rng.randrange(3)))),
            encode_extended(2, encode_metadata(MetadataReject(rng.randrange(3)))),
            encode_extended(2, encode_metadata(MetadataData(0, size, payload))),
            encode_extended(1, encode_pex(Pex([(Address("20.7.0.1", 6881), 0)], []))),
            encode_extended(0, b"d1:md11:ut_metadatai3e6:ut_pexi4ee13:metadata_sizei%dee" % size),
            bytes(4),
            rng.randbytes(rng.randrange(40)),
        ]
    )


def answer_the_disk(scene: Scene, rng: random.Random) -> None:
    for piece in scene.told(StorePiece):
        answers = [scene.swarm.piece_stored, scene.swarm.piece_refused, scene.swarm.store_failed]
        scene.do(rng.choice(answers)(piece.piece_index, piece.buffer, scene.now))
    for read in scene.told(ReadBlocks):
        if rng.random() < 0.2:
            index, blocks = read.piece_index, read.blocks
            scene.do(scene.swarm.read_failed(read.connection, index, blocks, scene.now))
        else:
            found: list[tuple[int, bytes | memoryview]] = [(b, bytes(n)) for b, n in read.blocks]
            scene.do(scene.swarm.blocks_read(read.connection, read.piece_index, found, scene.now))


@pytest.mark.parametrize("magnet", [True, False])
def test_nothing_that_peers_say_raises_or_breaks_an_invariant(magnet: bool) -> None:
    """Peers without manners, a disk that fails, and time that passes: 3,000 messages."""
    rng = random.Random(magnet)
    for _ in range(15):
        scene = Scene(magnet=magnet)
        guests: list[Guest] = []
        for number in range(100):
            if len(scene.swarm.connections) < 4:
                guest = Guest(scene, f"22.{number}.0.1", pieces=rng.choice([None, scene.full()]))
                guests.append(guest)
            guest = rng.choice(guests)
            if guest.near in scene.swarm.connections:
                guest.far._queue(messages(rng))
                if rng.random() < 0.3:
                    guest.answer(*guest.owed[: rng.randrange(1, 9)])
                guest.flush()
            answer_the_disk(scene, rng)
            if rng.random() < 0.1:
                scene.later(rng.choice([0.2, 5.0, 61.0]))
            if magnet and scene.swarm.info is not None and scene.swarm._download is None:
                scene.open()
            if scene.swarm._download is not None:
                scene.swarm._download.picker.check()


class TestRefusals:
    def test_who_declined_a_piece_is_asked_again_ten_seconds_later(self) -> None:
        """A seed that told us to get it of somebody else, who left: it must not be for ever."""
        scene = Scene()
        guest = Guest(scene, pieces=scene.pieces(4))
        guest.unchoke()
        (first, *_) = guest.owed
        for block in guest.owed:
            guest.far.send_reject(block)
        guest.flush()
        assert guest.owed == []
        scene.later(DECLINED_S - 1)
        assert guest.owed == []
        scene.later(1)
        assert first in guest.owed

    def test_a_piece_that_is_not_that_fast_after_all_is_asked_for_once(self) -> None:
        scene = Scene()
        guest = Guest(scene, pieces=scene.pieces(4))
        guest.far.send_allowed_fast(4)
        guest.flush()
        assert {block.piece_index for block in guest.owed} == {4}
        for block in guest.owed:
            guest.far.send_reject(block)
        guest.flush()
        assert guest.owed == []

    def test_who_has_ten_pieces_gets_nothing_more_for_nothing(self) -> None:
        """BEP 6: "if the requesting peer is not a starting peer"."""
        scene = Scene(opened=False)
        scene.open(scene.full())
        guest = Guest(scene, pieces=scene.pieces(*range(8)))
        allowed = [fast.piece_index for fast in guest.said(AllowedFast) if fast.piece_index > 8]
        guest.far.send_have(8)
        guest.flush()
        wanted = scene.info.geometry.block(allowed[0], 0)
        guest.far.send_requests([wanted], scene.now)
        guest.flush()
        assert guest.said(RequestRejected) == []
        guest.far.send_have(allowed[1])
        guest.flush()
        late = scene.info.geometry.block(allowed[0], 1)
        guest.far.send_requests([late], scene.now)
        guest.flush()
        assert [reject.block for reject in guest.said(RequestRejected)] == [late]


def test_who_keeps_us_waiting_has_only_its_turns_until_it_gives_again() -> None:
    """Anti-snubbing, to the second: one of two slots is earned by a block a second; silence for
    20 s, and the time of three blocks, is a snub; the next round takes the slot."""
    scene = Scene(
        single_file(bytes(24 * 1024**2), 256 * 1024), limits=Limits(unchoke_slots=2), seed=4
    )
    giver = Guest(scene, pieces=scene.full())
    others = [Guest(scene, f"20.{n}.0.1", pieces=scene.pieces()) for n in range(1, 9)]
    for guest in (giver, *others):
        guest.far.send_interested()
        guest.flush()
    giver.unchoke()

    def served_s(seconds: int, *, gives: bool) -> list[bool]:
        """Second by second, whether it had a slot."""
        had = []
        for _ in range(seconds):
            if gives:
                giver.answer(giver.owed[0])
                scene.hash_and_store()
            scene.later(1.0)
            had.append(not giver.near.am_choking)
        return had

    served_s(60, gives=True)
    assert all(served_s(30, gives=True))
    for guest in others:
        guest.far.send_keep_alive()
        guest.flush()
    silent = served_s(150, gives=False)
    assert all(silent[:23]) and not silent[33]
    assert sum(silent[33:]) <= 30, "two slots for nine: a turn"
    giver.unchoke()
    assert giver.owed, "one question, to notice when it serves again"
    served_s(60, gives=True)
    assert all(served_s(30, gives=True))
