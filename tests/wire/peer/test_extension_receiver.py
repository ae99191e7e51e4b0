"""The peer's extended messages (BEP 9, 10, 11, 21, 54; security W1)."""

from functools import partial

import pytest

from tests.wire.peer.scenario import (
    ADDRESS,
    GEOMETRY,
    Scene,
    extension_handshake,
    pieces_of,
)
from torrentd.wire.formats import messages
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.dont_have import encode_dont_have
from torrentd.wire.formats.extension import (
    LT_DONTHAVE,
    OUR_MESSAGE_IDS,
    UPLOAD_ONLY,
    ExtensionHandshake,
    encode_extension_handshake,
)
from torrentd.wire.formats.metadata import MetadataRequest, encode_metadata
from torrentd.wire.formats.pex import Pex, encode_pex
from torrentd.wire.peer import events
from torrentd.wire.peer.announced_pieces import LOST_MAX
from torrentd.wire.peer.control_budget import BURST, DEBT_MAX
from torrentd.wire.peer.extension_receiver import UNKNOWN_MESSAGES_MAX


class TestExtensions:
    def test_the_extension_handshake_is_told_and_applied(self) -> None:
        scene = Scene()
        theirs = ExtensionHandshake({"ut_pex": 3, "x_other": 9}, metadata_size=500, reqq=100)
        message = messages.encode_extended(0, encode_extension_handshake(theirs))
        applied = ExtensionHandshake({"ut_pex": 3}, metadata_size=500, reqq=100)
        assert scene.say(message) == [events.ExtensionHandshakeReceived(applied)]
        assert scene.connection.extension == applied
        assert scene.connection.outstanding.limit == 100

    def test_a_second_one_changes_only_what_it_names(self) -> None:
        """ "It's enough that it contains the actual CHANGES … the value 0 is used to turn off an
        extension" (BEP 10)."""
        scene = Scene()
        first = ExtensionHandshake(
            {"ut_pex": 3, "ut_metadata": 4}, metadata_size=500, reqq=100, client="X", listen_port=9
        )
        scene.say(messages.encode_extended(0, encode_extension_handshake(first)))
        scene.say(extension_handshake(ut_pex=0))
        assert scene.connection.extension == ExtensionHandshake(
            {"ut_metadata": 4}, metadata_size=500, reqq=100, client="X", listen_port=9
        )

    def test_upload_only_comes_by_the_handshake_or_its_message_and_is_taken_back_by_either(
        self,
    ) -> None:
        """BEP 21; a handshake without the key changes nothing."""
        scene = Scene()
        message = partial(messages.encode_extended, OUR_MESSAGE_IDS[UPLOAD_ONLY])

        def handshake(upload_only: bool | None) -> bytes:
            told = ExtensionHandshake(upload_only=upload_only)
            return messages.encode_extended(0, encode_extension_handshake(told))

        for said, is_so in (
            (handshake(None), False),
            (handshake(True), True),
            (handshake(None), True),
            (handshake(False), False),
        ):
            scene.say(said)
            assert scene.connection.upload_only is is_so
        for flag, told in ((1, True), (1, False), (0, True), (0, False), (1, True)):
            expected = [events.UploadOnlyChanged()] if told else []
            assert scene.say(message(bytes([flag]))) == expected
            assert scene.connection.upload_only is bool(flag)
        assert not scene.connection.is_seed

    def test_a_seed_wants_nothing_whatever_it_says(self) -> None:
        scene = Scene()
        scene.say(messages.encode_have_all())
        scene.say(messages.encode_extended(OUR_MESSAGE_IDS[UPLOAD_ONLY], b"\x00"))
        assert scene.connection.upload_only

    def test_one_that_cannot_make_up_its_mind_is_a_flood(self) -> None:
        flip = b"".join(
            messages.encode_extended(OUR_MESSAGE_IDS[UPLOAD_ONLY], bytes([flag])) for flag in (1, 0)
        )
        Scene().refuses(flip * (BURST + DEBT_MAX))

    def test_many_handshakes_with_many_names_pile_nothing_up(self) -> None:
        scene = Scene()
        for number in range(50):
            names = {f"n{number}_{k}": k + 1 for k in range(60)}
            scene.say(extension_handshake(**names))
        assert scene.connection.extension == ExtensionHandshake({})

    def test_metadata_and_pex_come_by_our_numbers(self) -> None:
        scene = Scene()
        request = MetadataRequest(2)
        pex = Pex([(Address("9.8.7.6", 5000), 2)], [])
        told = scene.say(
            messages.encode_extended(2, encode_metadata(request)),
            messages.encode_extended(1, encode_pex(pex)),
        )
        assert told == [events.MetadataMessage(request), events.PexReceived(pex)]

    def test_unknown_messages_are_skipped_and_have_an_end(self) -> None:
        """Security W1: "unknown <= 4 KiB skipped, > 100 unknown -> close"."""
        scene = Scene()
        unknown = b"\0\0\x10\0\x63" + bytes(4095)
        assert scene.say(unknown * (UNKNOWN_MESSAGES_MAX // 2)) == []
        extended = messages.encode_extended(99, b"whatever")
        assert scene.say(extended * (UNKNOWN_MESSAGES_MAX // 2)) == []
        scene.refuses(unknown)

    def test_the_peers_dht_port_is_told_with_its_host(self) -> None:
        told = Scene().say(messages.encode_port(6999))
        assert told == [events.PortReceived(Address(ADDRESS.host, 6999))]


def dont_have(piece_index: int) -> bytes:
    return messages.encode_extended(OUR_MESSAGE_IDS[LT_DONTHAVE], encode_dont_have(piece_index))


class TestDontHave:
    """BEP 54."""

    @pytest.mark.parametrize("fast", [True, False])
    def test_the_piece_is_gone_and_with_it_what_was_asked_of_it(self, fast: bool) -> None:
        """ "Any outstanding requests … are silently cancelled"; with BEP 6 each gets its reject."""
        scene = Scene(fast=fast)
        scene.say(messages.encode_bitfield(b"\x80\x40"))
        kept, lost = GEOMETRY.block(0, 0), GEOMETRY.blocks(9)
        scene.ask(kept, *lost)
        assert scene.say(dont_have(9)) == [events.DontHave(9, [] if fast else lost)]
        assert scene.connection.pieces == pieces_of(0)
        assert list(scene.connection.outstanding) == [kept, *(lost if fast else [])]
        assert scene.say(dont_have(9), dont_have(1)) == []

    def test_a_seed_is_one_no_more(self) -> None:
        scene = Scene()
        scene.say(messages.encode_have_all())
        scene.say(dont_have(3))
        assert not scene.connection.is_seed and not scene.connection.upload_only
        assert scene.say(messages.encode_have(3)) == [events.Have(3)]
        assert scene.connection.is_seed

    @pytest.mark.parametrize(
        ("said", "left"),
        [
            ([messages.encode_have_all(), dont_have(3)], set(range(11)) - {3}),
            ([messages.encode_bitfield(b"\xff\xe0"), dont_have(3)], set(range(11)) - {3}),
            ([messages.encode_have(3), messages.encode_have(4), dont_have(3)], {4}),
            ([messages.encode_have_all(), dont_have(3), messages.encode_have(3)], set(range(11))),
            ([dont_have(3)], set()),
        ],
    )
    def test_before_the_metadata_it_counts_too(self, said: list[bytes], left: set[int]) -> None:
        scene = Scene(geometry=None)
        assert scene.say(*said) == []
        scene.connection.set_geometry(GEOMETRY, scene.now)
        assert scene.connection.pieces == pieces_of(*left)

    @pytest.mark.parametrize("known", [True, False])
    def test_an_index_outside_the_torrent_is_a_lie(self, known: bool) -> None:
        scene = Scene(geometry=GEOMETRY if known else None)
        scene.say(messages.encode_have_all())
        if known:
            scene.refuses(dont_have(11))
        else:
            scene.say(dont_have(11))
            told = scene.connection.set_geometry(GEOMETRY, scene.now)
            assert isinstance(told[-1], events.ConnectionFailed) and told[-1].misbehaved
        Scene(geometry=None).refuses(dont_have(2**32 - 1))

    def test_a_seed_without_metadata_does_not_fill_our_memory(self) -> None:
        scene = Scene(geometry=None)
        scene.say(messages.encode_have_all())
        scene.refuses(*(dont_have(index) for index in range(LOST_MAX + 1)))

    def test_to_lose_and_gain_without_end_is_a_flood(self) -> None:
        """A have that is news is free; not when the piece was lost in between."""
        scene = Scene()
        scene.say(messages.encode_have_all())
        flips = (messages.encode_have(3) + dont_have(3)) * ((BURST + DEBT_MAX) // 2)
        scene.refuses(dont_have(3) + flips)

    def test_at_the_pace_of_an_honest_peer_it_is_none(self) -> None:
        scene = Scene()
        scene.say(messages.encode_have_all())
        for _ in range(1000):
            scene.later(1.0)
            assert scene.say((dont_have(3) + messages.encode_have(3)) * 50)
        assert scene.connection.reading_paused_until == 0.0
