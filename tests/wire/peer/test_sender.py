"""Commands and the bytes they become (BEP 3, 5, 6, 9, 10, 11)."""

import pytest

from tests.wire.peer.scenario import (
    ADDRESS,
    GEOMETRY,
    INFOHASH,
    LIMITS,
    OURS,
    Scene,
    extension_handshake,
    pieces_of,
    their_handshake,
)
from torrentd.wire.formats import messages
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.extension import decode_extension_handshake
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.formats.handshake import HANDSHAKE_BYTES
from torrentd.wire.formats.metadata import (
    MetadataData,
    MetadataReject,
    MetadataRequest,
    decode_metadata,
)
from torrentd.wire.formats.pex import Pex, decode_pex
from torrentd.wire.peer.connection import PeerConnection

BLOCK = GEOMETRY.block(0, 0)
OTHER = GEOMETRY.block(3, 1)
SHORT = GEOMETRY.block(10, 0)


def _requests(*blocks: BlockRef) -> bytes:
    return messages.encode_requests(list(blocks))


class TestPeerMessages:
    def test_flags_follow_what_was_sent(self) -> None:
        scene = Scene()
        connection = scene.connection
        assert scene.our_flags() == (True, False)
        connection.send_unchoke(scene.now)
        connection.send_interested()
        assert scene.our_flags() == (False, True)
        assert connection.last_unchoked_at == scene.now
        assert scene.heard() == messages.encode_unchoke() + messages.encode_interested()
        connection.send_choke(scene.now)
        connection.send_not_interested()
        assert scene.our_flags() == (True, False)
        assert scene.heard() == messages.encode_choke() + messages.encode_not_interested()

    def test_what_is_handed_over_is_handed_over_once(self) -> None:
        scene = Scene()
        waiting = [scene.connection.has_data_to_send]
        scene.connection.send_have(7)
        scene.connection.send_port(6881)
        waiting.append(scene.connection.has_data_to_send)
        assert scene.heard() == messages.encode_have(7) + messages.encode_port(6881)
        waiting.append(scene.connection.has_data_to_send)
        assert waiting == [False, True, False] and scene.heard() == b""

    def test_requests_go_out_in_one_string_and_are_outstanding(self) -> None:
        scene = Scene()
        scene.connection.send_requests([BLOCK, OTHER], scene.now)
        assert scene.connection.data_to_send() == [_requests(BLOCK, OTHER)]
        assert list(scene.connection.outstanding) == [BLOCK, OTHER]
        scene.connection.send_requests([], scene.now)
        assert scene.connection.data_to_send() == []

    def test_only_what_is_outstanding_is_cancelled(self) -> None:
        scene = Scene()
        scene.ask(BLOCK)
        scene.connection.send_cancel(BLOCK)
        scene.connection.send_cancel(BLOCK)
        scene.connection.send_cancel(OTHER)
        assert scene.heard() == messages.encode_cancel(BLOCK)


class TestBlocks:
    def test_a_block_is_sent_as_header_and_the_very_view_it_came_in(self) -> None:
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        scene.say(_requests(SHORT, BLOCK))
        scene.heard()
        view = memoryview(bytes(SHORT.length))
        assert scene.connection.send_blocks(10, [(0, view)], scene.now) == SHORT.length
        header, data = scene.connection.data_to_send()
        assert header == messages.encode_piece_header(*SHORT)
        assert data is view
        assert list(scene.connection.owed) == [BLOCK]
        assert scene.connection.uploaded_bytes == SHORT.length
        assert scene.connection.upload_rate.bytes_per_s(scene.now) > 0

    def test_what_is_sent_beside_the_data_of_blocks_is_counted(self) -> None:
        scene = Scene()
        connection = scene.connection
        connection.send_unchoke(scene.now)
        scene.say(_requests(BLOCK, OTHER))
        connection.send_have(3)
        data = bytes(BLOCK.length)
        assert connection.send_blocks(0, [(0, data)], scene.now) == len(data)
        connection.send_choke(scene.now)
        sent_bytes = HANDSHAKE_BYTES + len(scene.heard())
        assert connection.protocol_sent_bytes == sent_bytes - len(data)

    @pytest.mark.parametrize("meanwhile", ["cancel", "choke", "sent already", "never asked"])
    def test_what_is_no_longer_owed_is_not_sent(self, meanwhile: str) -> None:
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        if meanwhile != "never asked":
            scene.say(_requests(BLOCK))
        if meanwhile == "cancel":
            scene.say(messages.encode_cancel(BLOCK))
        elif meanwhile == "choke":
            scene.connection.send_choke(scene.now)
        elif meanwhile == "sent already":
            assert scene.connection.send_blocks(0, [(0, bytes(BLOCK.length))], scene.now)
        sent = scene.connection.uploaded_bytes
        scene.heard()
        assert not scene.connection.send_blocks(0, [(0, bytes(BLOCK.length))], scene.now)
        assert scene.heard() == b""
        assert scene.connection.uploaded_bytes == sent


class TestFast:
    def test_a_choke_comes_first_and_then_a_reject_of_each_request(self) -> None:
        """ "A peer SHOULD choke first and then reject requests"."""
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        scene.say(_requests(BLOCK, OTHER))
        scene.heard()
        scene.connection.send_choke(scene.now)
        expected = messages.encode_reject(BLOCK) + messages.encode_reject(OTHER)
        assert scene.heard() == messages.encode_choke() + expected
        assert not scene.connection.owed

    def test_a_choke_does_not_reject_the_allowed_fast_set(self) -> None:
        """ "Except it SHOULD NOT reject requests for pieces that are in the allowed fast set"."""
        scene = Scene()
        scene.connection.send_unchoke(scene.now)
        scene.connection.send_allowed_fast(3)
        assert list(scene.connection.allowed_fast_out) == [3]
        scene.say(_requests(BLOCK, OTHER))
        scene.heard()
        scene.connection.send_choke(scene.now)
        assert scene.heard() == messages.encode_choke() + messages.encode_reject(BLOCK)
        assert list(scene.connection.owed) == [OTHER]
        blocks = [(OTHER.begin, bytes(OTHER.length))]
        assert scene.connection.send_blocks(OTHER.piece_index, blocks, scene.now)

    def test_without_it_a_choke_throws_the_requests_out_in_silence(self) -> None:
        scene = Scene(fast=False)
        scene.connection.send_unchoke(scene.now)
        scene.connection.send_allowed_fast(3)
        scene.say(_requests(BLOCK, OTHER))
        scene.connection.send_reject(OTHER)
        scene.heard()
        scene.connection.send_choke(scene.now)
        assert scene.heard() == messages.encode_choke()
        assert not scene.connection.owed and not scene.connection.allowed_fast_out

    @pytest.mark.parametrize(
        "fast, pieces, expected",
        [
            (True, Bitfield.full(11), messages.encode_have_all()),
            (True, Bitfield(11), messages.encode_have_none()),
            (True, None, messages.encode_have_none()),
            (True, pieces_of(0, 9), messages.encode_bitfield(b"\x80\x40")),
            (False, Bitfield.full(11), messages.encode_bitfield(b"\xff\xe0")),
            (False, pieces_of(0, 9), messages.encode_bitfield(b"\x80\x40")),
            (False, Bitfield(11), b""),
            (False, None, b""),
        ],
    )
    def test_our_pieces_are_told_in_the_shortest_way_allowed(
        self, fast: bool, pieces: Bitfield | None, expected: bytes
    ) -> None:
        """ "Exactly one of Have All, Have None, or Have Bitfield MUST appear"."""
        scene = Scene(fast=fast)
        scene.connection.send_pieces(pieces)
        assert scene.heard() == expected


class TestExtensions:
    def test_the_handshake_tells_what_a_peer_needs(self) -> None:
        """BEP 10, 21: m, v, yourip, reqq, metadata_size, upload_only."""
        scene = Scene()
        scene.connection.send_extension_handshake(31235, 6881, True, scene.now)
        data = scene.heard()
        assert data[4:6] == bytes((messages.EXTENDED, 0))
        told = decode_extension_handshake(data[6:])
        assert told.message_ids == {
            "ut_metadata": 2,
            "ut_pex": 1,
            "upload_only": 3,
            "lt_donthave": 4,
        }
        assert told.metadata_size == 31235
        assert told.reqq == LIMITS.requests_queued_max
        assert told.client is not None and told.client.startswith("torrentd")
        assert told.your_host == ADDRESS.host
        assert told.upload_only
        assert told.listen_port is None

    def test_our_port_is_told_to_those_we_dialed(self) -> None:
        """ "No need for the receiving side of the connection to send this"."""
        connection = PeerConnection(
            Address("2001:db8::5", 1),
            outgoing=True,
            peer_id=OURS,
            infohash=INFOHASH,
            limits=LIMITS,
            now=0.0,
        )
        connection.receive_data(memoryview(their_handshake()), 0.0)
        connection.data_to_send()
        connection.send_extension_handshake(None, 6881, False, 0.0)
        told = decode_extension_handshake(b"".join(connection.data_to_send())[6:])
        assert told.listen_port == 6881 and told.your_host == "2001:db8::5"
        assert told.metadata_size is None and not told.upload_only

    def test_messages_go_out_by_the_numbers_the_peer_gave(self) -> None:
        scene = Scene()
        scene.say(extension_handshake(ut_metadata=9, ut_pex=77))
        pex = Pex([(Address("9.8.7.6", 5000), 2)], [])
        scene.connection.send_pex(pex)
        data = scene.heard()
        assert data[4:6] == bytes((messages.EXTENDED, 77)) and decode_pex(data[6:]) == pex
        scene.connection.send_metadata_request(3)
        scene.connection.send_metadata_data(0, 5, b"d1:ae")
        scene.connection.send_metadata_reject(1)
        told = []
        for part in scene.connection.data_to_send():
            assert bytes(part[4:6]) == bytes((messages.EXTENDED, 9))
            told.append(decode_metadata(bytes(part[6:])))
        assert told == [MetadataRequest(3), MetadataData(0, 5, b"d1:ae"), MetadataReject(1)]

    @pytest.mark.parametrize("fast", [True, False])
    def test_a_piece_lost_is_told_and_what_was_asked_of_it_refused(self, fast: bool) -> None:
        """BEP 54: rejected with BEP 6, "silently dropped" without."""
        scene = Scene(fast=fast)
        scene.say(extension_handshake(lt_donthave=7))
        scene.connection.send_unchoke(scene.now)
        kept, lost = GEOMETRY.block(0, 0), GEOMETRY.blocks(3)
        scene.say(messages.encode_requests([*lost, kept]))
        scene.heard()
        scene.connection.send_dont_have(3)
        rejects = b"".join(map(messages.encode_reject, lost)) if fast else b""
        assert scene.heard() == rejects + messages.encode_extended(7, b"\0\0\0\x03")
        assert list(scene.connection.owed) == [kept]

    def test_who_does_not_take_dont_haves_gets_none(self) -> None:
        scene = Scene()
        scene.say(extension_handshake(ut_pex=1))
        scene.connection.send_dont_have(3)
        assert scene.heard() == b""

    def test_upload_only_is_said_once_each_time_that_it_changes(self) -> None:
        """BEP 21; the message is libtorrent's."""
        scene = Scene()
        scene.say(extension_handshake(upload_only=5))
        for upload_only, payload in ((True, b"\x01"), (False, b"\x00")):
            assert scene.connection.send_upload_only(upload_only)
            assert scene.heard() == messages.encode_extended(5, payload)
            assert scene.connection.send_upload_only(upload_only)
            assert scene.heard() == b""

    def test_who_does_not_take_the_message_is_told_by_a_handshake(self) -> None:
        scene = Scene()
        scene.say(extension_handshake(ut_pex=1))
        for upload_only in (True, False):
            assert not scene.connection.send_upload_only(upload_only)
            scene.connection.send_extension_handshake(None, None, upload_only, scene.now)
            told = decode_extension_handshake(scene.heard()[6:])
            assert told.upload_only is upload_only
            assert scene.connection.send_upload_only(upload_only)
        assert scene.heard() == b""

    def test_what_the_peer_does_not_take_is_not_sent(self) -> None:
        scene = Scene()
        scene.connection.send_metadata_request(0)
        scene.say(extension_handshake(ut_metadata=9, ut_pex=3))
        scene.say(extension_handshake(ut_pex=0))
        scene.connection.send_pex(Pex())
        assert scene.heard() == b""
        plain = Scene(extension=False)
        plain.connection.send_extension_handshake(None, None, False, plain.now)
        assert plain.heard() == b""

    def test_ahead_of_their_handshake_ours_is_followed_by_what_we_want(self) -> None:
        connection = PeerConnection(
            ADDRESS, outgoing=True, peer_id=OURS, infohash=INFOHASH, limits=LIMITS, now=1000.0
        )
        connection.send_ahead(6881, 7, 2, 1000.0)
        handshake, extension, *requests = connection.data_to_send()
        assert len(handshake) == HANDSHAKE_BYTES
        said = decode_extension_handshake(bytes(extension[6:]))
        assert said.listen_port == 6881 and said.message_ids["ut_metadata"]
        assert [bytes(request[4:6]) for request in requests] == 2 * [b"\x14\x07"]
        decoded = [decode_metadata(bytes(request[6:])) for request in requests]
        assert decoded == [MetadataRequest(0), MetadataRequest(1)]
