"""What the daemon tells a swarm, and what the swarm asks of the daemon (BEP 3, 5, 6, 9, 10)."""

import pytest

from tests.wire.swarm.scene import PIECES, TORRENT, Guest, Scene
from tests.wire.torrents import File, multi_file, single_file
from torrentd.config.schema import Limits
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metadata import MetadataRequest
from torrentd.wire.formats.metainfo import infohash_of
from torrentd.wire.peer.events import (
    Choked,
    ExtensionHandshakeReceived,
    Have,
    InterestChanged,
    MetadataMessage,
    PiecesChanged,
    RequestRejected,
)
from torrentd.wire.peer.events import Unchoked as UnchokedEvent
from torrentd.wire.swarm.actions import (
    Close,
    Completed,
    DecodeMetadata,
    Dial,
    MetadataComplete,
    MetadataRefused,
    ReadBlocks,
    SearchPeers,
    StorePiece,
    Transmit,
)
from torrentd.wire.swarm.buffer_pool import BufferPool
from torrentd.wire.swarm.wish import Wish


def download(scene: Scene, guest: Guest) -> None:
    for _ in range(100):
        guest.answer_all()
        if not scene.hash_and_store():
            return


class TestLife:
    def test_a_start_searches_and_announces_at_once(self) -> None:
        scene = Scene()
        assert scene.told(SearchPeers) == [SearchPeers(announce=True)]

    def test_when_the_network_returns_it_searches_announces_and_dials_again(self) -> None:
        scene = Scene()
        scene.told(SearchPeers)
        (address,) = scene.find("20.0.0.1")
        lost_at = scene.now
        scene.do(scene.swarm.dial_failed(address, scene.now))
        scene.later(1.0)
        assert scene.told(Dial) == []
        scene.do(scene.swarm.network_returned(lost_at, scene.now))
        assert scene.told(SearchPeers) == [SearchPeers(announce=True)]
        assert scene.told(Dial) == [Dial(address)]

    def test_who_is_told_to_search_now_searches_announces_and_dials_again(self) -> None:
        scene = Scene()
        (address,) = scene.find("20.0.0.1")
        scene.do(scene.swarm.dial_failed(address, scene.now))
        scene.later(1.0)
        scene.actions.clear()
        scene.do(scene.swarm.search_now(scene.now))
        assert scene.told(SearchPeers) == [SearchPeers(announce=True)]
        assert scene.told(Dial) == [Dial(address)]
        scene.do(scene.swarm.stop(scene.now))
        scene.actions.clear()
        assert scene.do(scene.swarm.search_now(scene.now)) == []

    def test_a_torrent_that_rests_sleeps_through_it(self) -> None:
        scene = Scene()
        scene.do(scene.swarm.stop(scene.now))
        scene.actions.clear()
        assert scene.do(scene.swarm.network_returned(0.0, scene.now)) == []

    def test_found_peers_are_dialed(self) -> None:
        scene = Scene()
        assert {address.host for address in scene.find("20.0.0.1", "20.1.0.1")} == {
            "20.0.0.1",
            "20.1.0.1",
        }

    def test_one_piece_after_another_until_all_are_there(self) -> None:
        scene = Scene()
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        download(scene, guest)
        assert scene.swarm.is_complete
        assert scene.swarm.have.all()
        assert scene.swarm.done_bytes == scene.swarm.wanted_bytes == len(TORRENT.content)
        assert scene.swarm.downloaded_bytes == len(TORRENT.content)
        assert scene.swarm.wasted_bytes == 0
        assert scene.told(Completed) == [Completed()]
        assert scene.closed() == ["neither side wants anything"]

    def test_nothing_is_asked_before_the_store_is_open(self) -> None:
        scene = Scene(opened=False)
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        assert not guest.owed
        scene.open()
        assert guest.said(InterestChanged)
        assert guest.owed

    def test_a_peer_that_came_before_the_store_opened_is_told_by_haves(self) -> None:
        scene = Scene(opened=False)
        guest = Guest(scene)
        scene.open(scene.pieces(1, 7))
        assert [have.piece_index for have in guest.said(Have)] == [1, 7]

    def test_a_store_that_is_complete_when_it_opens_says_so_once(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        assert scene.told(Completed) == [Completed()]
        scene.open(scene.full())
        assert scene.told(Completed) == []

    def test_what_a_second_check_misses_is_fetched_and_completion_told_again(self) -> None:
        scene = Scene()
        scene.open(scene.full())
        scene.told(Completed)
        scene.open(scene.pieces(*range(1, PIECES)))
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        download(scene, guest)
        assert scene.told(Completed) == [Completed()]

    def test_a_stop_closes_everything_and_leaves_no_deadline(self) -> None:
        scene = Scene()
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        scene.find("20.5.0.1")
        scene.do(scene.swarm.stop(scene.now))
        assert scene.closed() == ["the torrent is stopped"]
        assert scene.swarm.next_deadline() is None
        assert scene.find("20.6.0.1") == []
        Guest(scene, "20.7.0.1")
        assert scene.closed() == ["the torrent is stopped"]

    def test_a_stopped_torrent_takes_the_answers_of_its_disk(self) -> None:
        scene = Scene()
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        guest.answer()
        scene.do(scene.swarm.stop(scene.now))
        stored = scene.store()
        assert stored
        assert list(scene.swarm.have) == sorted(stored)

    def test_an_answer_for_a_store_of_the_past_is_ignored(self) -> None:
        scene = Scene()
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        guest.answer()
        pieces = scene.told(StorePiece)
        scene.open()
        for piece in pieces:
            assert scene.swarm.piece_stored(piece.piece_index, piece.buffer, scene.now) == []
        assert not scene.swarm.have.any()

    def test_a_connection_the_swarm_does_not_know_is_ignored(self) -> None:
        scene = Scene()
        guest = Guest(scene, greet=False)
        now = scene.now
        assert scene.swarm.receive_data(guest.near, memoryview(b"x"), now) == []
        assert scene.swarm.connection_lost(guest.near, now) == []
        assert scene.swarm.transport_paused(guest.near) == []
        assert scene.swarm.transport_resumed(guest.near, now) == []
        assert scene.swarm.blocks_read(guest.near, 0, [(0, b"x")], now) == []

    def test_an_hour_alone_is_four_ticks(self) -> None:
        """Nothing is done per torrent per second: an hour of idling alone is four searches."""
        scene = Scene()
        scene.later(24 * 3600)
        ticks = 0
        end = scene.now + 3600
        while (deadline := scene.swarm.next_deadline()) is not None and deadline <= end:
            scene.now = deadline
            scene.do(scene.swarm.tick(scene.now))
            ticks += 1
        assert ticks <= 4


class TestHaves:
    def test_a_stored_piece_is_told_to_everybody(self) -> None:
        """Also to a seed: it may serve those that gain by it."""
        scene = Scene()
        seed = Guest(scene, pieces=scene.full())
        other = Guest(scene, "20.1.0.1", pieces=scene.pieces())
        seed.unchoke()
        seed.answer()
        stored = scene.store()
        scene.later(0.2)
        for guest in (seed, other):
            assert sorted(have.piece_index for have in guest.said(Have)) == sorted(stored)

    def test_haves_of_one_moment_share_a_transmit(self) -> None:
        scene = Scene()
        seed = Guest(scene, pieces=scene.full())
        other = Guest(scene, "20.1.0.1", pieces=scene.pieces())
        seed.unchoke()
        seed.answer()
        scene.told(Transmit)
        assert len(scene.store()) >= 2
        assert other.near not in [action.connection for action in scene.told(Transmit)]
        scene.later(0.2)
        sent = [action for action in scene.told(Transmit) if action.connection is other.near]
        assert len(sent) == 1


class TestMetadata:
    def test_a_magnet_becomes_a_torrent_and_then_a_download(self) -> None:
        scene = Scene(magnet=True)
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        guest.say_extensions(metadata_size=len(TORRENT.metadata))
        guest.far.send_metadata_data(0, len(TORRENT.metadata), TORRENT.metadata)
        guest.flush()
        complete = scene.told(MetadataComplete)
        assert [action.metadata for action in complete] == [TORRENT.metadata]
        assert scene.swarm.info_progress == 1.0
        scene.open()
        download(scene, guest)
        assert scene.swarm.is_complete

    def test_metadata_that_is_no_torrent_of_ours_is_refused_with_the_reason(self) -> None:
        private = TORRENT.metadata[:-1] + b"7:privatei1ee"
        scene = Scene(magnet=True, infohash=infohash_of(private))
        guest = Guest(scene)
        guest.say_extensions(metadata_size=len(private))
        guest.far.send_metadata_data(0, len(private), private)
        guest.flush()
        assert scene.told(MetadataComplete) == []
        refused = scene.told(MetadataRefused)
        assert len(refused) == 1
        assert "private" in refused[0].reason


class TestAskedAhead:
    """The metadata is asked for in the flight of our handshake: a round trip less."""

    def test_metadata_comes_with_the_answer_to_the_handshake(self) -> None:
        scene = Scene(magnet=True)
        assert scene.find("20.0.0.1")
        guest = answering(scene, "20.0.0.1")
        asked = [event.message for event in guest.said(MetadataMessage)]
        assert asked == [MetadataRequest(0), MetadataRequest(1)]
        guest.far.send_extension_handshake(len(TORRENT.metadata), None, False, scene.now)
        guest.far.send_metadata_data(0, len(TORRENT.metadata), TORRENT.metadata)
        guest.far.send_metadata_reject(1)
        guest.flush()
        assert [found.metadata for found in scene.told(MetadataComplete)] == [TORRENT.metadata]

    def test_the_extension_handshake_is_said_once(self) -> None:
        scene = Scene(magnet=True)
        scene.find("20.0.0.1")
        guest = answering(scene, "20.0.0.1")
        guest.flush()
        said = guest.said(ExtensionHandshakeReceived)
        assert len(said) == 1
        assert said[0].handshake.listen_port == 6881 and said[0].handshake.metadata_size is None

    def test_who_parts_because_of_the_guess_is_dialed_once_more_and_asked_in_order(self) -> None:
        scene = Scene(magnet=True)
        [address] = scene.find("20.0.0.1")
        guest = answering(scene, "20.0.0.1")
        scene.do(scene.swarm.connection_lost(guest.near, scene.now))
        assert [dial.address for dial in scene.told(Dial)] == [address], "at once"
        again = answering(scene, "20.0.0.1")
        assert again.said(MetadataMessage) == [] == again.said(ExtensionHandshakeReceived)
        again.flush()
        assert again.said(ExtensionHandshakeReceived)
        scene.do(scene.swarm.connection_lost(again.near, scene.now))
        assert scene.told(Dial) == [], "now it is not the guess"

    def test_nobody_is_asked_ahead_who_dialed_us_or_when_it_is_known(self) -> None:
        guest = Guest(Scene(magnet=True), greet=False)
        assert not guest.near.has_data_to_send
        scene = Scene()
        scene.find("20.0.0.1")
        assert answering(scene, "20.0.0.1").said(MetadataMessage) == []


def answering(scene: Scene, host: str) -> Guest:
    """One that we dialed: it has read our first flight, and its handshake waits to be flushed."""
    guest = Guest(scene, host, dialed=True, greet=False)
    guest.far.accept(scene.infohash, scene.now)
    guest.heard += guest.far.tick(scene.now)
    return guest


class TestLargeMetadata:
    """T14: above 256 KiB a thread decodes it, and the swarm goes on meanwhile."""

    def test_it_is_handed_out_once_to_be_decoded(self) -> None:
        large = single_file(bytes(14_000), 1)
        scene = Scene(large, magnet=True)
        guest = send_metadata(scene, large.metadata)
        asked = scene.told(DecodeMetadata)
        assert [action.metadata for action in asked] == [large.metadata]
        assert scene.told(MetadataComplete) == []
        guest.far.send_metadata_data(0, len(large.metadata), large.metadata[:16384])
        guest.flush()
        assert scene.told(DecodeMetadata) == [], "it is being decoded already"
        scene.do(scene.swarm.metadata_decoded(large.metadata, large.info, scene.now))
        assert [found.info for found in scene.told(MetadataComplete)] == [large.info]
        scene.open()
        guest.unchoke()
        assert guest.owed, "what was announced before counts"

    def test_it_may_be_refused_like_any_other(self) -> None:
        large = single_file(bytes(14_000), 1)
        scene = Scene(large, magnet=True)
        send_metadata(scene, large.metadata)
        error = MetainfoError("no torrent of ours")
        scene.do(scene.swarm.metadata_decoded(large.metadata, error, scene.now))
        assert [refused.reason for refused in scene.told(MetadataRefused)] == [error.reason]


def send_metadata(scene: Scene, metadata: bytes) -> Guest:
    guest = Guest(scene, pieces=scene.full())
    guest.say_extensions(metadata_size=len(metadata))
    for begin in range(0, len(metadata), 16384):
        part = metadata[begin : begin + 16384]
        guest.far.send_metadata_data(begin // 16384, len(metadata), part)
        guest.flush()
    return guest


class TestServing:
    def test_who_is_interested_is_unchoked_and_served(self) -> None:
        scene = Scene(have=None, opened=False)
        scene.open(scene.full())
        guest = Guest(scene, pieces=scene.pieces())
        assert guest.said(PiecesChanged)
        guest.far.send_interested()
        guest.flush()
        assert guest.said(UnchokedEvent)
        guest.far.send_requests([BlockRef(2, 0, 16384), BlockRef(2, 16384, 16384)], scene.now)
        guest.flush()
        assert scene.actions and isinstance(scene.told(ReadBlocks)[0], ReadBlocks)

    def test_what_was_read_is_sent(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        guest = Guest(scene, pieces=scene.pieces())
        guest.far.send_interested()
        guest.flush()
        blocks = scene.info.geometry.blocks(3) + scene.info.geometry.blocks(12)
        guest.far.send_requests(blocks, scene.now)
        guest.flush()
        assert scene.read() == [(block.piece_index, block.begin) for block in blocks]
        assert scene.swarm.uploaded_bytes == sum(block.length for block in blocks) == 41_234
        assert not guest.far.outstanding.count

    def test_a_disk_that_cannot_read_is_a_reject(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        guest = Guest(scene, pieces=scene.pieces())
        guest.far.send_interested()
        guest.flush()
        block = BlockRef(3, 0, 16384)
        guest.far.send_requests([block], scene.now)
        guest.flush()
        (read,) = scene.told(ReadBlocks)
        scene.do(scene.swarm.read_failed(guest.near, 3, read.blocks, scene.now))
        assert guest.said(RequestRejected) == [RequestRejected(block)]
        scene.do(scene.swarm.piece_lost(3, scene.now))
        assert 3 not in scene.swarm.have
        assert not scene.swarm.is_complete

    def test_a_choke_between_the_read_and_the_send_sends_nothing(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        guest = Guest(scene, pieces=scene.pieces(), fast=False)
        guest.far.send_interested()
        guest.flush()
        guest.far.send_requests([BlockRef(3, 0, 16384)], scene.now)
        guest.flush()
        guest.near.send_choke(scene.now)
        scene.read()
        assert scene.swarm.uploaded_bytes == 0
        guest.listen()
        assert guest.said(Choked)


class TestSelection:
    def test_only_the_pieces_of_selected_files_are_fetched(self) -> None:
        torrent = multi_file(
            [File((b"a",), bytes(100_000)), File((b"b",), bytes(70_000)), File((b"c",), b"c" * 9)],
            piece_length=20_000,
        )
        scene = Scene(torrent, wish=Wish((1,)))
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        download(scene, guest)
        assert list(scene.swarm.have) == list(scene.swarm.wanted) == [5, 6, 7, 8]
        assert scene.swarm.is_complete, "a file left out keeps nothing at 99.9 %"
        assert scene.swarm.done_bytes == scene.swarm.wanted_bytes == 70_009
        assert scene.told(Completed) == [Completed()]
        scene.do(scene.swarm.change_wish(Wish(), scene.now))
        assert scene.swarm.done_bytes < scene.swarm.wanted_bytes
        back = Guest(scene, "20.1.0.1", pieces=scene.full())
        back.unchoke()
        download(scene, back)
        assert scene.swarm.have.all()
        assert scene.told(Completed) == [Completed()]

    def test_what_is_no_longer_wanted_is_cancelled(self) -> None:
        torrent = multi_file(
            [File((b"a",), bytes(40_000)), File((b"b",), bytes(40_000))], piece_length=40_000
        )
        scene = Scene(torrent)
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        assert {block.piece_index for block in guest.owed} == {0, 1}
        scene.do(scene.swarm.change_wish(Wish((0,)), scene.now))
        assert {block.piece_index for block in guest.owed} == {0}
        scene.do(scene.swarm.change_wish(Wish(()), scene.now))
        assert scene.swarm.is_complete
        assert scene.closed() == ["neither side wants anything"]

    def test_who_wants_more_again_dials_the_seeds_it_parted_from_and_tells_the_others(
        self,
    ) -> None:
        """BEP 21: `upload_only` was true while there was nothing to want."""
        torrent = multi_file(
            [File((b"a",), bytes(40_000)), File((b"b",), bytes(40_000))], piece_length=40_000
        )
        scene = Scene(torrent, wish=Wish((0,)))
        (address,) = scene.find("20.1.0.9")
        giver = Guest(scene, "20.1.0.9", dialed=True, pieces=scene.full())
        leecher = Guest(scene, "20.1.0.2", pieces=scene.pieces())
        leecher.say_extensions()
        giver.unchoke()
        download(scene, giver)
        assert scene.closed() == ["neither side wants anything"]
        leecher.listen()
        assert leecher.far.upload_only
        scene.later(1)
        assert scene.told(Dial) == []
        scene.do(scene.swarm.change_wish(Wish(), scene.now))
        assert scene.told(Dial) == [Dial(address)]
        leecher.listen()
        assert not leecher.far.upload_only

    def test_a_seed_that_lost_a_piece_looks_for_peers_soon(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        scene.later(100)
        scene.told(SearchPeers)
        scene.do(scene.swarm.piece_lost(3, scene.now))
        scene.later(6)
        assert scene.told(SearchPeers) == [SearchPeers(announce=False)]


class TestBackPressure:
    def test_nothing_is_read_for_a_peer_that_takes_no_bytes(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        guest = Guest(scene, pieces=scene.pieces())
        guest.far.send_interested()
        guest.flush()
        scene.swarm.transport_paused(guest.near)
        guest.far.send_requests([BlockRef(3, 0, 16384)], scene.now)
        guest.flush()
        assert scene.told(ReadBlocks) == []
        scene.do(scene.swarm.transport_resumed(guest.near, scene.now))
        assert scene.read() == [(3, 0)]

    def test_memory_of_pieces_is_bounded_while_the_disk_is_slow(self) -> None:
        scene = Scene(limits=Limits(piece_buffers_bytes_max=1024 * 1024))
        download_room = scene.swarm._download
        assert download_room is not None
        picker = download_room.picker
        picker._pool._pool.resize(3 * 40_000)
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        guest.answer_all()
        assert len(picker.storing) + len(picker.assemblies) <= 3
        assert not guest.owed
        assert len(scene.hash_and_store()) == 3
        assert list(guest.owed), "a buffer that came back is used again"
        download(scene, guest)
        assert scene.swarm.is_complete


@pytest.mark.parametrize("count", [PIECES])
def test_the_torrent_of_these_tests_is_odd(count: int) -> None:
    geometry = TORRENT.info.geometry
    assert geometry.piece_count == count
    assert [block.length for block in geometry.blocks(0)] == [16384, 16384, 7232]
    assert [block.length for block in geometry.blocks(12)] == [1234]


def test_dials_stop_where_connections_are_enough() -> None:
    scene = Scene(limits=Limits(peers_per_torrent_max=3))
    Guest(scene, "20.0.0.1")
    assert len(scene.find(*(f"21.{i}.0.1" for i in range(9)))) == 2
    scene.do(scene.swarm.connection_lost(next(iter(scene.swarm.connections)), scene.now))
    assert len(scene.told(Dial)) == 1
    assert scene.told(Close) == []


class TestSharedMemory:
    """One pool for several torrents: nobody waits for ever."""

    def test_a_torrent_gets_its_turn_when_another_lets_go(self) -> None:
        pool = BufferPool(3 * 40_000)
        first, second = Scene(buffers=pool), Scene(buffers=pool, infohash=InfoHash(b"2" * 20))
        greedy, late = Guest(first, pieces=first.full()), Guest(second, pieces=second.full())
        greedy.unchoke()
        late.unchoke()
        assert greedy.owed and not late.owed
        greedy.answer_all()
        assert first.hash_and_store()
        second.later(0.2)
        assert late.owed, "it was called, and asked again"
        for _ in range(40):
            for scene, guest in ((first, greedy), (second, late)):
                guest.answer_all()
                scene.hash_and_store()
                scene.later(0.2)
        assert first.swarm.is_complete and second.swarm.is_complete
        assert pool.allocated_bytes == 0

    def test_pieces_of_a_torrent_whose_peers_are_gone_make_room_for_another(self) -> None:
        pool = BufferPool(3 * 40_000)
        first, second = Scene(buffers=pool), Scene(buffers=pool, infohash=InfoHash(b"2" * 20))
        gone = Guest(first, pieces=first.full())
        gone.unchoke()
        gone.answer(*list(gone.owed)[:1])
        late = Guest(second, pieces=second.full())
        late.unchoke()
        assert not late.owed
        first.do(first.swarm.connection_lost(gone.near, first.now))
        second.later(0.2)
        first.later(0.2)
        second.later(0.2)
        assert late.owed

    def test_a_store_opened_anew_writes_off_what_the_old_one_had(self) -> None:
        pool = BufferPool(3 * 40_000)
        scene = Scene(buffers=pool)
        guest = Guest(scene, pieces=scene.full())
        guest.unchoke()
        guest.answer_all()
        late = scene.told(StorePiece)
        assert late
        scene.open()
        for piece in late:
            scene.do(scene.swarm.piece_stored(piece.piece_index, piece.buffer, scene.now))
        guest.answer_all()
        assert scene.hash_and_store(), "the memory is there again"
        assert pool.allocated_bytes <= 3 * 40_000


def test_while_it_is_held_no_piece_is_begun_and_what_was_begun_is_taken() -> None:
    scene = Scene(limits=Limits(requests_outstanding_max=4))
    guest = Guest(scene, pieces=scene.full())
    guest.unchoke()
    assert len(guest.owed) == 4
    scene.do(scene.swarm.hold_download(True, scene.now))
    guest.answer_all()
    assert len(scene.hash_and_store()) == 2
    scene.later(30)
    assert not guest.owed and not scene.closed(), "peers are kept"
    scene.do(scene.swarm.hold_download(False, scene.now))
    assert guest.owed
