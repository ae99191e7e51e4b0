"""Handshakes, silence and time-outs (BEP 3, 6, 10; security C1, W9, W10), in virtual time."""

import math
from itertools import pairwise

import pytest

from tests.wire.peer.scenario import (
    ADDRESS,
    GEOMETRY,
    INFOHASH,
    LIMITS,
    NOTHING,
    OURS,
    THEIRS,
    Scene,
    piece,
    their_handshake,
)
from torrentd.wire.formats import messages
from torrentd.wire.formats.handshake import (
    HANDSHAKE_BYTES,
    Handshake,
    decode_handshake,
    encode_handshake,
)
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.peer import events
from torrentd.wire.peer.connection import (
    HANDSHAKE_TIMEOUT_S,
    HELD_BYTES_MAX,
    IDLE_S,
    KEEP_ALIVE_S,
    PeerConnection,
)
from torrentd.wire.peer.control_budget import BURST, DEBT_MAX, MESSAGES_PER_S

BLOCK = GEOMETRY.block(0, 0)
OTHER_HASH = InfoHash(b"\xbb" * 20)


def _outgoing(now: float = 0.0) -> PeerConnection:
    return PeerConnection(
        ADDRESS, outgoing=True, peer_id=OURS, infohash=INFOHASH, limits=LIMITS, now=now
    )


def _incoming(now: float = 0.0) -> PeerConnection:
    return PeerConnection(
        ADDRESS, outgoing=False, peer_id=OURS, infohash=None, limits=LIMITS, now=now
    )


def _sent(connection: PeerConnection) -> bytes:
    return b"".join(connection.data_to_send())


def _failed(told: list[events.Event]) -> events.ConnectionFailed:
    assert isinstance(told[-1], events.ConnectionFailed), told
    return told[-1]


class TestHandshake:
    def test_who_dials_speaks_first(self) -> None:
        ours = decode_handshake(_sent(_outgoing()))
        assert ours == Handshake(INFOHASH, OURS, extension=True, fast=True, dht=True)

    def test_who_is_dialed_says_nothing_before_it_accepts(self) -> None:
        """BEP 3: "they may wait for incoming connections to give a download hash first, and respond
        with the same one if it's in their list"."""
        connection = _incoming()
        assert _sent(connection) == b""
        told = connection.receive_data(memoryview(their_handshake()), 0.0)
        theirs = Handshake(INFOHASH, THEIRS, extension=True, fast=True, dht=True)
        assert told == [events.HandshakeCompleted(theirs)]
        assert _sent(connection) == b""
        connection.accept(INFOHASH, 0.0)
        assert decode_handshake(_sent(connection)).infohash == INFOHASH == connection.infohash

    def test_what_the_peer_can_is_read_from_its_reserved_bits(self) -> None:
        connection = _outgoing()
        connection.receive_data(memoryview(their_handshake(fast=False)), 0.0)
        assert connection.their_peer_id == THEIRS
        assert not connection.supports_fast
        assert connection.supports_extensions and connection.supports_dht

    def test_two_of_ours_meet(self) -> None:
        dialing = _outgoing()
        dialed = PeerConnection(
            ADDRESS, outgoing=False, peer_id=THEIRS, infohash=None, limits=LIMITS, now=0.0
        )
        dialed.receive_data(memoryview(_sent(dialing)), 0.0)
        dialed.accept(INFOHASH, 0.0)
        dialed.send_pieces(None)
        told = dialing.receive_data(memoryview(_sent(dialed)), 0.0)
        assert isinstance(told[0], events.HandshakeCompleted)
        assert dialing.their_peer_id == THEIRS and dialed.their_peer_id == OURS

    def test_another_infohash_than_the_one_we_dialed_for_ends_it(self) -> None:
        """ "If both sides don't send the same value, they sever the connection" (BEP 3)."""
        theirs = encode_handshake(Handshake(OTHER_HASH, THEIRS, True, True, True))
        told = _outgoing().receive_data(memoryview(theirs), 0.0)
        assert _failed(told).misbehaved

    def test_we_know_ourselves_at_both_ends(self) -> None:
        """Security W10: "self -> forget the address"; and no one is to blame."""
        dialing, dialed = _outgoing(), _incoming()
        at_dialed = dialed.receive_data(memoryview(_sent(dialing)), 0.0)
        at_dialing = dialing.receive_data(memoryview(_sent(dialed)), 0.0)
        assert at_dialed == at_dialing == [events.ConnectionFailed("it is ourselves", False)]

    @pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1", b"\x13BitTorrent protocoI", b"\x00"])
    def test_garbage_is_known_by_its_first_bytes(self, garbage: bytes) -> None:
        connection = _incoming()
        told: list[events.Event] = []
        for at in range(len(garbage)):
            told += connection.receive_data(memoryview(garbage)[at : at + 1], 0.0)
        assert _failed(told).misbehaved and len(told) == 1
        assert connection.kept_bytes == 0

    def test_ten_seconds_are_for_the_whole_handshake_not_for_each_byte(self) -> None:
        """Security C1: "absolute 10 s for the whole handshake"."""
        for connection in (_outgoing(50.0), _incoming(50.0)):
            handshake = memoryview(their_handshake())
            for second in range(9):
                now = 50.0 + second
                assert connection.receive_data(handshake[second : second + 1], now) == []
                assert connection.next_deadline() == 50.0 + HANDSHAKE_TIMEOUT_S
                assert connection.tick(now) == []
            assert connection.tick(59.99) == []
            failed = _failed(connection.tick(60.0))
            assert not failed.misbehaved
            assert connection.next_deadline() == math.inf

    def test_what_comes_behind_an_unaccepted_handshake_waits(self) -> None:
        connection = _incoming()
        early = their_handshake() + messages.encode_have_all() + messages.encode_interested()
        told = connection.receive_data(memoryview(early[:70]), 0.0)
        assert [type(event) for event in told] == [events.HandshakeCompleted]
        assert connection.receive_data(memoryview(early[70:]), 0.1) == []
        connection.accept(INFOHASH, 0.2)
        assert connection.next_deadline() <= 0.2
        assert connection.tick(0.2) == [events.InterestChanged()]
        assert connection.is_seed
        assert connection.next_deadline() > 1.0

    def test_what_waited_is_read_before_what_comes_next(self) -> None:
        connection = _incoming()
        connection.receive_data(memoryview(their_handshake() + messages.encode_unchoke()), 0.0)
        connection.accept(INFOHASH, 0.0)
        told = connection.receive_data(memoryview(messages.encode_interested()), 0.1)
        assert told == [events.Unchoked(), events.InterestChanged()]

    def test_not_more_waits_than_an_honest_peer_could_send(self) -> None:
        connection = _incoming()
        connection.receive_data(memoryview(their_handshake()), 0.0)
        assert connection.receive_data(memoryview(bytes(HELD_BYTES_MAX)), 0.0) == []
        assert connection.kept_bytes == HELD_BYTES_MAX
        assert _failed(connection.receive_data(memoryview(b"\0"), 0.0)).misbehaved
        assert connection.kept_bytes == 0


class TestSilence:
    def test_keep_alives_go_out_within_two_minutes_of_our_last_word(self) -> None:
        """ "Keepalives are generally sent once every two minutes"."""
        scene = Scene(now=0.0)
        sent_at = [0.0]
        while scene.now < 1000.0:
            scene.now = min(scene.connection.next_deadline(), scene.now + 50.0)
            scene.say(messages.KEEP_ALIVE)
            assert scene.connection.tick(scene.now) == []
            if data := scene.heard():
                assert data == messages.KEEP_ALIVE
                sent_at.append(scene.now)
        gaps = [b - a for a, b in pairwise(sent_at)]
        assert len(gaps) >= 8 and set(gaps) == {KEEP_ALIVE_S}
        assert KEEP_ALIVE_S < 120.0

    def test_whatever_we_send_puts_the_keep_alive_off(self) -> None:
        scene = Scene(now=0.0)
        scene.now = 90.0
        scene.say(messages.KEEP_ALIVE)
        scene.connection.send_have(1)
        scene.heard()
        scene.later(20.0)
        assert scene.heard() == b""
        assert scene.connection.next_deadline() == 190.0

    def test_one_can_be_asked_for_once_both_have_shaken_hands(self) -> None:
        scene = Scene(now=0.0)
        scene.heard()
        scene.connection.send_keep_alive()
        assert scene.heard() == messages.KEEP_ALIVE
        fresh = _incoming()
        fresh.send_keep_alive()
        assert not fresh.has_data_to_send

    def test_a_peer_that_keeps_alive_every_two_minutes_stays(self) -> None:
        scene = Scene(now=0.0)
        for _ in range(20):
            assert scene.later(120.0) == []
            assert scene.say(messages.KEEP_ALIVE) == []

    def test_a_silent_peer_is_parted_with(self) -> None:
        scene = Scene(now=0.0)
        assert scene.later(IDLE_S - 1) == []
        told = scene.later(1.0)
        assert not _failed(told).misbehaved and len(told) == 1


class TestRequests:
    def test_a_deadline_is_there_for_every_request(self) -> None:
        scene = Scene(now=0.0)
        scene.ask(BLOCK)
        assert scene.connection.next_deadline() == 20.0
        scene.now = 20.0
        told = scene.connection.tick(20.0)
        assert told == [events.RequestsTimedOut([BLOCK])]
        assert scene.connection.snubbed
        assert scene.connection.next_deadline() == KEEP_ALIVE_S

    def test_a_choke_is_no_snub(self) -> None:
        """Fast, choked, and the rejects never come: the blocks go elsewhere, nobody is blamed."""
        scene = Scene(now=0.0)
        scene.ask(BLOCK)
        scene.say(messages.encode_choke())
        assert scene.later(20.0) == [events.RequestsTimedOut([BLOCK])]
        assert not scene.connection.snubbed

    def test_a_tick_that_is_early_or_late_does_no_harm(self) -> None:
        scene = Scene(now=0.0)
        scene.ask(BLOCK)
        for _ in range(10):
            assert scene.later(1.0) == []
        assert scene.later(50.0) == [events.RequestsTimedOut([BLOCK])]


class TestEnd:
    def test_after_the_end_nothing_is_told_and_nothing_is_kept(self) -> None:
        scene = Scene(geometry=None)
        scene.say(messages.encode_bitfield(bytes(100))[:50])
        assert scene.connection.kept_bytes == 50
        scene.now += 500.0
        assert isinstance(scene.connection.tick(scene.now)[-1], events.ConnectionFailed)
        assert scene.connection.kept_bytes == 0
        assert scene.say(messages.encode_unchoke()) == []
        assert scene.connection.set_geometry(GEOMETRY, scene.now) == []
        assert scene.later(1.0) == []
        assert scene.connection.next_deadline() == math.inf

    def test_what_came_before_the_breach_is_still_told(self) -> None:
        scene = Scene()
        told = scene.say(messages.encode_unchoke(), messages.encode_have(99))
        assert [type(event) for event in told] == [events.Unchoked, events.ConnectionFailed]

    def test_an_unfinished_message_is_judged_when_the_metadata_comes(self) -> None:
        scene = Scene(geometry=None)
        long = messages.encode_bitfield(bytes(100))
        assert scene.say(long[:50]) == []
        assert scene.connection.set_geometry(GEOMETRY, scene.now) == []
        assert _failed(scene.say(long[50:51])).misbehaved


class TestFlood:
    def test_reading_pauses_while_the_peer_is_in_debt(self) -> None:
        """Security W9: "200 control messages/s per peer budget, then read-pause"."""
        scene = Scene(now=100.0)
        scene.say(messages.KEEP_ALIVE * BURST)
        assert scene.connection.reading_paused_until <= scene.now
        scene.say(messages.KEEP_ALIVE * (2 * MESSAGES_PER_S))
        assert scene.connection.reading_paused_until == scene.now + 2.0
        scene.now += 2.0
        scene.say(NOTHING.tobytes())
        assert scene.connection.reading_paused_until <= scene.now

    def test_blocks_and_requests_are_no_control_messages(self) -> None:
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        for _ in range(3000):
            scene.ask(BLOCK)
            scene.say(piece(BLOCK), messages.encode_requests([BLOCK]))
            scene.connection.send_blocks(0, [(0, bytes(BLOCK.length))], scene.now)
            scene.heard()
        assert scene.connection.reading_paused_until <= scene.now
        assert scene.connection.uploaded_bytes == scene.connection.downloaded_bytes

    @pytest.mark.parametrize(
        "message",
        [
            messages.KEEP_ALIVE,
            messages.encode_choke(),
            messages.encode_interested(),
            messages.encode_have(1),
            messages.encode_cancel(BLOCK),
            messages.encode_port(6881),
            messages.encode_suggest(1),
            messages.encode_allowed_fast(1),
            messages.encode_extended(0, b"de"),
            messages.encode_extended(1, b"de"),
            messages.encode_extended(2, b"d8:msg_typei0e5:piecei0ee"),
        ],
    )
    def test_a_flood_of_any_control_message_ends_the_connection(self, message: bytes) -> None:
        assert "flood" in Scene().refuses(message * (BURST + DEBT_MAX + 2))

    @pytest.mark.parametrize("read_bytes", [1, 7, 100_000])
    def test_every_byte_is_of_a_block_or_of_the_protocol(self, read_bytes: int) -> None:
        """Whatever reads it comes in, and never taken back."""
        scene = Scene()
        connection = scene.connection
        before = connection.protocol_received_bytes
        assert before == HANDSHAKE_BYTES
        scene.ask(BLOCK)
        before += len(messages.encode_unchoke())
        stranger = GEOMETRY.block(7, 0)
        data = messages.encode_have(3) + piece(BLOCK) + piece(stranger) + messages.KEEP_ALIVE
        seen = [before]
        for at in range(0, len(data), read_bytes):
            scene.say(data[at : at + read_bytes])
            seen.append(connection.protocol_received_bytes)
        assert seen == sorted(seen)
        blocks_bytes = BLOCK.length + stranger.length
        assert connection.downloaded_bytes + connection.wasted_bytes == blocks_bytes
        assert seen[-1] == before + len(data) - blocks_bytes

    def test_a_connection_is_told_apart_by_identity(self) -> None:
        """Swarm and choker keep connections in dicts."""
        one, other = _outgoing(), _outgoing()
        assert one != other and len({one: 1, other: 2}) == 2
        assert "80.4.4.200" in repr(one)
        assert PeerId(b"x" * 20) != OURS
