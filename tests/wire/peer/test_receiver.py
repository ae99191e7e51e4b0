"""What a peer's messages mean, and which of them end the connection (BEP 3, 5, 6, 9, 10, 11;
security W1 to W6, W9)."""

import random

import pytest

from tests.vectors.wire import INVALID
from tests.wire.peer.scenario import (
    GEOMETRY,
    Scene,
    piece,
    pieces_of,
    received,
)
from torrentd.wire.formats import messages
from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.geometry import BLOCK_BYTES, BlockRef
from torrentd.wire.peer import events
from torrentd.wire.peer.control_budget import BURST, DEBT_MAX
from torrentd.wire.peer.receiver import (
    ALLOWED_FAST_MAX,
    CHOKED_REQUESTS_MAX,
    STRIKES_MAX,
)

BLOCK = GEOMETRY.block(0, 0)
OTHER = GEOMETRY.block(3, 1)
SHORT = GEOMETRY.block(10, 0)


def _request(block: BlockRef) -> bytes:
    return messages.encode_requests([block])


class TestFlags:
    def test_choke_unchoke_interested_are_told_when_they_change(self) -> None:
        scene = Scene()
        assert scene.their_flags() == (True, False)
        assert scene.say(messages.encode_choke()) == []
        assert scene.say(messages.encode_unchoke(), messages.encode_unchoke()) == [
            events.Unchoked()
        ]
        assert scene.their_flags() == (False, False)
        assert scene.say(messages.encode_interested()) == [events.InterestChanged()]
        assert scene.their_flags() == (False, True)
        assert scene.say(messages.encode_interested()) == []
        assert scene.say(messages.encode_not_interested()) == [events.InterestChanged()]
        assert scene.say(messages.encode_choke()) == [events.Choked([])]
        assert scene.their_flags() == (True, False)

    def test_without_bep_6_a_choke_loses_the_requests(self) -> None:
        scene = Scene(fast=False)
        scene.ask(BLOCK, OTHER)
        assert scene.say(messages.encode_choke()) == [events.Choked([BLOCK, OTHER])]
        assert scene.connection.outstanding.count == 0
        assert scene.say(piece(OTHER)) == [received(OTHER)]

    def test_with_bep_6_a_choke_loses_nothing_until_the_rejects_come(self) -> None:
        """ "Choke no longer implicitly rejects all pending requests"."""
        scene = Scene()
        scene.ask(BLOCK, OTHER)
        assert scene.say(messages.encode_choke()) == [events.Choked([])]
        assert scene.connection.outstanding.count == 2
        told = scene.say(messages.encode_reject(BLOCK), messages.encode_reject(OTHER))
        assert told == [events.RequestRejected(BLOCK), events.RequestRejected(OTHER)]
        assert scene.connection.outstanding.count == 0


class TestPieces:
    def test_what_the_peer_has_is_told_whole_and_then_one_by_one(self) -> None:
        scene = Scene()
        assert scene.say(messages.encode_bitfield(b"\x80\x40")) == [events.PiecesChanged()]
        assert scene.connection.pieces == pieces_of(0, 9)
        assert scene.say(messages.encode_have(3)) == [events.Have(3)]
        assert scene.say(messages.encode_have(3), messages.encode_have(0)) == []
        assert scene.connection.pieces == pieces_of(0, 3, 9)
        assert not scene.connection.is_seed

    def test_have_all_is_a_seed_and_have_none_is_nothing(self) -> None:
        seed, newcomer = Scene(), Scene()
        assert seed.say(messages.encode_have_all()) == [events.PiecesChanged()]
        assert seed.connection.is_seed
        assert newcomer.say(messages.encode_have_none()) == [events.PiecesChanged()]
        assert newcomer.connection.pieces == pieces_of()

    def test_before_the_metadata_they_are_kept_and_told_with_it(self) -> None:
        scene = Scene(geometry=None)
        assert scene.say(messages.encode_bitfield(b"\x80\x40"), messages.encode_have(3)) == []
        assert scene.connection.pieces is None
        assert scene.say(messages.encode_allowed_fast(4)) == []
        told = scene.connection.set_geometry(GEOMETRY, scene.now)
        assert told == [events.PiecesChanged(), events.AllowedFast(4)]
        assert scene.connection.pieces == pieces_of(0, 3, 9)

    @pytest.mark.parametrize(
        "message",
        [
            messages.encode_bitfield(b"\xff"),
            messages.encode_bitfield(b"\xff\xff"),
            messages.encode_have(11),
            messages.encode_allowed_fast(11),
        ],
        ids=["short bitfield", "spare bits", "have", "allowed fast"],
    )
    def test_a_lie_told_before_the_metadata_ends_the_connection_with_it(
        self, message: bytes
    ) -> None:
        scene = Scene(geometry=None)
        assert scene.say(message) == []
        told = scene.connection.set_geometry(GEOMETRY, scene.now)
        assert isinstance(told[-1], events.ConnectionFailed) and told[-1].misbehaved
        assert scene.say(messages.encode_unchoke()) == []

    def test_a_have_storm_that_tells_nothing_new_is_a_flood(self) -> None:
        scene = Scene()
        for index in range(11):
            assert scene.say(messages.encode_have(index)) == [events.Have(index)]
        scene.refuses(messages.encode_have(5) * (BURST + DEBT_MAX + 1))


class TestInvalid:
    """Security W1 to W3: each ends the connection, whatever came before and whatever is known."""

    @pytest.mark.parametrize("geometry", [GEOMETRY, None])
    @pytest.mark.parametrize("name, text", INVALID)
    def test_a_length_that_the_table_forbids(self, name: str, text: str, geometry: object) -> None:
        scene = Scene(geometry=GEOMETRY if geometry else None)
        scene.refuses(bytes.fromhex(text))

    @pytest.mark.parametrize(
        "message",
        [
            messages.encode_have(11),
            messages.encode_have(2**32 - 1),
            messages.encode_allowed_fast(11),
            messages.encode_suggest(11),
            messages.encode_bitfield(b"\xff"),
            messages.encode_bitfield(b"\xff\xff\xff"),
            messages.encode_bitfield(b"\xff\xff"),
            messages.encode_bitfield(b"\xff\xe0") * 12,
            messages.encode_have_all() + messages.encode_bitfield(b"\xff\xc0"),
            messages.encode_have_all() + messages.encode_have_none(),
            messages.encode_have(1) + messages.encode_bitfield(b"\x80\0"),
            messages.encode_piece_header(11, 0, 5) + bytes(5),
            messages.encode_piece_header(0, 39_999, 5) + bytes(5),
        ],
    )
    def test_an_index_or_bitfield_that_the_torrent_has_not(self, message: bytes) -> None:
        Scene().refuses(message)

    @pytest.mark.parametrize(
        "block",
        [
            BlockRef(11, 0, BLOCK_BYTES),
            BlockRef(2**32 - 1, 0, BLOCK_BYTES),
            BlockRef(0, 39_999, 2),
            BlockRef(0, 2**32 - 1, 2),
            BlockRef(10, 4_999, 2),
            BlockRef(0, 0, 0),
            BlockRef(0, 0, 128 * 1024 + 1),
            BlockRef(0, 0, 2**32 - 1),
        ],
    )
    def test_a_request_outside_the_torrent_or_far_too_long(self, block: BlockRef) -> None:
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        scene.refuses(_request(block))

    @pytest.mark.parametrize(
        "message",
        [
            messages.encode_have_all(),
            messages.encode_have_none(),
            messages.encode_suggest(1),
            messages.encode_reject(BLOCK),
            messages.encode_allowed_fast(1),
        ],
    )
    def test_a_fast_message_without_the_fast_extension(self, message: bytes) -> None:
        """ "When the fast extension is disabled, … the peer MUST close the connection" (BEP 6)."""
        Scene(fast=False).refuses(message)

    def test_a_broken_extension_handshake_or_pex_or_metadata_message(self) -> None:
        Scene().refuses(messages.encode_extended(0, b"i1e"))
        Scene().refuses(messages.encode_extended(1, b"d5:added5:abcdee"))
        Scene().refuses(messages.encode_extended(2, b"d8:msg_typei0ee"))

    def test_port_0_is_a_mistake_to_ignore(self) -> None:
        assert Scene().say(messages.encode_port(0)) == []


class TestRequests:
    def test_an_unchoked_peer_is_owed_what_it_asks(self) -> None:
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        scene.heard()
        assert scene.say(_request(BLOCK), _request(OTHER)) == [events.BlocksRequested()]
        assert scene.say(_request(SHORT)) == [events.BlocksRequested()]
        assert list(scene.connection.owed) == [BLOCK, OTHER, SHORT]
        assert scene.heard() == b""

    def test_duplicates_collapse_and_cost(self) -> None:
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        assert scene.say(_request(BLOCK) * 1000) == [events.BlocksRequested()]
        assert list(scene.connection.owed) == [BLOCK]
        scene.refuses(_request(BLOCK) * (BURST + DEBT_MAX))

    def test_a_cancelled_request_gets_its_one_answer(self) -> None:
        """BEP 6: "the peer receiving the cancel should respond with either the corresponding reject
        or the corresponding piece"."""
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        scene.say(_request(BLOCK), _request(OTHER))
        scene.heard()
        assert scene.say(messages.encode_cancel(BLOCK), messages.encode_cancel(SHORT)) == []
        assert scene.heard() == messages.encode_reject(BLOCK)
        assert list(scene.connection.owed) == [OTHER]

    def test_without_bep_6_a_cancel_is_silent(self) -> None:
        scene = Scene(fast=False)
        scene.connection.send_unchoke(scene.now)
        scene.say(_request(BLOCK), messages.encode_cancel(BLOCK))
        assert not scene.connection.owed
        assert scene.heard() == messages.encode_unchoke()

    def test_while_choked_a_request_is_rejected_unless_allowed_fast(self) -> None:
        """BEP 6: "SHOULD send a reject unless the piece is in the allowed fast set"."""
        scene = Scene()
        scene.connection.send_allowed_fast(3)
        scene.heard()
        assert scene.say(_request(BLOCK)) == []
        assert scene.heard() == messages.encode_reject(BLOCK)
        assert scene.say(_request(OTHER)) == [events.BlocksRequested()]
        assert list(scene.connection.owed) == [OTHER]

    def test_without_bep_6_a_request_while_choked_is_ignored(self) -> None:
        scene = Scene(fast=False)
        assert scene.say(_request(BLOCK)) == []
        assert scene.heard() == b"" and not scene.connection.owed

    def test_requests_on_their_way_when_we_choke_are_forgiven_but_not_for_ever(self) -> None:
        """ "MAY close the connection rather than reject the request. However, consider that it can
        take several seconds for buffers to drain" (BEP 6)."""
        scene = Scene()
        assert scene.say(_request(BLOCK) * CHOKED_REQUESTS_MAX) == []
        scene.connection.send_unchoke(scene.now)
        scene.connection.send_choke(scene.now)
        assert scene.say(_request(BLOCK) * CHOKED_REQUESTS_MAX) == []
        scene.refuses(_request(BLOCK))

    def test_our_reqq_is_the_most_we_owe_and_the_rest_is_rejected(self) -> None:
        """Security W5: 512."""
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        scene.heard()
        blocks = [BlockRef(0, begin, 16) for begin in range(600)]
        scene.say(messages.encode_requests(blocks))
        assert list(scene.connection.owed) == blocks[:512]
        assert scene.heard() == b"".join(map(messages.encode_reject, blocks[512:]))

    def test_a_whole_block_is_owed_where_the_torrent_has_it_and_nowhere_else(self) -> None:
        begins = [0, 1, BLOCK_BYTES, GEOMETRY.piece_length - BLOCK_BYTES]
        begins += [begins[-1] + 1, GEOMETRY.piece_length, 2**32 - 1]
        for piece_index in [*range(GEOMETRY.piece_count + 1), 2**32 - 1]:
            for begin in begins:
                block = BlockRef(piece_index, begin, BLOCK_BYTES)
                scene = Scene()
                scene.connection.send_unchoke(scene.now)
                try:
                    GEOMETRY.check_block(*block)
                except MessageError:
                    scene.refuses(_request(block))
                else:
                    assert scene.say(_request(block)) == [events.BlocksRequested()]
                    assert list(scene.connection.owed) == [block]

    def test_more_than_16_kib_is_rejected_and_counted(self) -> None:
        """Security W4: reject, and close after fifty."""
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        scene.heard()
        long = BlockRef(0, 0, BLOCK_BYTES + 1)
        assert scene.say(_request(long) * STRIKES_MAX) == []
        assert scene.heard() == messages.encode_reject(long) * STRIKES_MAX
        scene.refuses(_request(long))

    def test_before_the_metadata_nothing_is_owed(self) -> None:
        scene = Scene(geometry=None)
        scene.connection.send_unchoke(scene.now)
        scene.heard()
        assert scene.say(_request(BLOCK)) == []
        assert scene.heard() == messages.encode_reject(BLOCK)

    @pytest.mark.parametrize("seed", range(20))
    def test_messages_in_one_read_mean_what_they_mean_one_by_one(self, seed: int) -> None:
        """A block behind a request was nobody's, and its piece never done."""
        mine = [GEOMETRY.block(index, 0) for index in range(4)]
        theirs = [GEOMETRY.block(index, 1) for index in range(4)]
        said = [piece(block) for block in mine] + [_request(block) for block in theirs]
        said += [messages.encode_have(5), messages.encode_cancel(theirs[0]), messages.KEEP_ALIVE]
        random.Random(seed).shuffle(said)
        together, apart = Scene(), Scene()
        for scene in (together, apart):
            scene.connection.send_unchoke(scene.now)
            scene.ask(*mine)
        events_apart = [event for message in said for event in apart.say(message)]
        told = [event for event in events_apart if event != events.BlocksRequested()]
        found = [event for event in together.say(*said) if event != events.BlocksRequested()]
        assert found == told
        assert together.connection.outstanding.count == together.connection.wasted_bytes == 0
        assert together.connection.owed == apart.connection.owed
        assert together.heard() == apart.heard()

    def test_a_million_requests_and_cancels_end_the_connection_soon(self) -> None:
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        scene.refuses((_request(BLOCK) + messages.encode_cancel(BLOCK)) * 10_000)


class TestFast:
    def test_a_reject_of_what_is_outstanding_is_told(self) -> None:
        scene = Scene()
        scene.ask(BLOCK, OTHER)
        assert scene.say(messages.encode_reject(OTHER)) == [events.RequestRejected(OTHER)]
        assert list(scene.connection.outstanding) == [BLOCK]

    def test_a_reject_after_a_cancel_or_time_out_is_no_news(self) -> None:
        scene = Scene()
        scene.ask(BLOCK, OTHER)
        scene.connection.send_cancel(BLOCK)
        assert scene.say(messages.encode_reject(BLOCK)) == []
        scene.later(20.0)
        assert scene.say(messages.encode_reject(OTHER)) == []

    def test_rejects_of_what_was_never_asked_end_the_connection_after_some(self) -> None:
        """ "If a peer receives a reject for a request that was never sent then the peer SHOULD
        close the connection" (BEP 6)."""
        scene = Scene()
        assert scene.say(messages.encode_reject(BLOCK) * STRIKES_MAX) == []
        scene.refuses(messages.encode_reject(BLOCK))

    def test_allowed_fast_is_told_once_each_and_bounded(self) -> None:
        scene = Scene()
        told = scene.say(messages.encode_allowed_fast(5) * 2, messages.encode_allowed_fast(7))
        assert told == [events.AllowedFast(5), events.AllowedFast(7)]
        assert list(scene.connection.allowed_fast_in) == [5, 7]
        raw = Scene(geometry=None)
        raw.say(*(messages.encode_allowed_fast(index) for index in range(500)))
        assert len(raw.connection.allowed_fast_in) == ALLOWED_FAST_MAX

    def test_allowed_fast_does_not_mean_that_the_peer_has_it(self) -> None:
        """ "The receiver MUST NOT interpret an Allowed Fast message as meaning that the message
        sender has the piece"."""
        scene = Scene()
        scene.say(messages.encode_have_none(), messages.encode_allowed_fast(5))
        assert scene.connection.pieces == pieces_of()

    def test_a_piece_rejected_while_choked_is_no_longer_allowed_fast(self) -> None:
        scene = Scene()
        scene.say(messages.encode_allowed_fast(0))
        scene.connection.send_requests([BLOCK], scene.now)
        assert scene.say(messages.encode_reject(BLOCK)) == [events.RequestRejected(BLOCK)]
        assert not scene.connection.allowed_fast_in

    @pytest.mark.parametrize(
        "message",
        [
            messages.encode_suggest(messages.PIECES_MAX),
            messages.encode_allowed_fast(messages.PIECES_MAX),
            messages.encode_have(messages.PIECES_MAX),
        ],
    )
    def test_an_index_that_no_torrent_has_is_refused_before_the_metadata(
        self, message: bytes
    ) -> None:
        Scene(geometry=None).refuses(message)

    def test_a_suggestion_is_heard_and_not_followed(self) -> None:
        assert Scene().say(messages.encode_suggest(5)) == []
        assert Scene(geometry=None).say(messages.encode_suggest(5)) == []
