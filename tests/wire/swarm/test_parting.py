"""How peers leave a swarm (BEP 3, 21; security X1, X3)."""

import pytest

from tests.wire.swarm.scene import Guest, Scene
from tests.wire.torrents import File, multi_file
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.extension import UPLOAD_ONLY
from torrentd.wire.formats.messages import encode_have, encode_interested, encode_unchoke
from torrentd.wire.peer.events import ExtensionHandshakeReceived, InterestChanged, UploadOnlyChanged
from torrentd.wire.swarm.actions import Dial
from torrentd.wire.swarm.wish import ALL, Wish

# Three files, a piece each
THREE = multi_file([File((b"%d" % i,), bytes([i]) * 40_000) for i in range(3)], 40_000)
FIRST = Wish((0,))


class TestParting:
    def test_a_seed_does_not_keep_seeds(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        Guest(scene, pieces=scene.full())
        assert scene.closed() == ["neither side wants anything"]

    def test_a_peer_that_becomes_a_seed_goes_too(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        guest = Guest(scene, pieces=Bitfield.of(13, range(12)))
        assert scene.closed() == []
        guest.far.send_have(12)
        guest.flush()
        assert scene.closed() == ["neither side wants anything"]

    def test_a_leecher_keeps_both(self) -> None:
        scene = Scene()
        Guest(scene, pieces=scene.full())
        Guest(scene, "20.1.0.1", pieces=scene.pieces())
        assert scene.closed() == []

    def test_a_broken_rule_ends_the_connection_with_a_sentence(self) -> None:
        scene = Scene()
        guest = Guest(scene)
        guest.far._queue(encode_have(13))
        guest.flush()
        assert scene.closed() == ["a have outside the torrent"]
        assert scene.swarm.connections == []

    def test_what_follows_in_the_same_read_is_not_looked_at(self) -> None:
        scene = Scene()
        guest = Guest(scene, pieces=scene.full())
        guest.far._queue(encode_have(13) + encode_unchoke() + encode_interested())
        guest.flush()
        assert scene.swarm.connections == []
        assert guest.said(InterestChanged)


class TestPartialSeeds:
    """BEP 21: "incomplete without downloading anything more"."""

    def test_it_says_so_when_what_is_wanted_is_done_and_takes_it_back_for_more(self) -> None:
        scene = Scene(THREE, wish=FIRST)
        giver = Guest(scene, pieces=scene.full())
        other = Guest(scene, "20.1.0.1", pieces=scene.pieces())
        other.say_extensions()
        assert not other.far.upload_only
        giver.unchoke()
        giver.answer_all()
        scene.hash_and_store()
        assert not scene.swarm.is_seed
        assert len(other.said(UploadOnlyChanged)) == 1
        assert scene.swarm.is_complete
        scene.do(scene.swarm.change_wish(Wish((0, 2)), scene.now))
        assert len(other.said(UploadOnlyChanged)) == 1

    @pytest.mark.parametrize("how", ["read error", "check"])
    def test_it_takes_it_back_when_pieces_are_lost(self, how: str) -> None:
        scene = Scene(THREE, opened=False, wish=FIRST)
        scene.open(scene.pieces(0))
        other = Guest(scene, pieces=scene.pieces())
        other.say_extensions()
        assert other.far.upload_only
        other.said(UploadOnlyChanged)
        if how == "check":
            scene.open(scene.pieces())
        else:
            scene.do(scene.swarm.piece_lost(0, scene.now))
        assert len(other.said(UploadOnlyChanged)) == 1

    def test_who_knows_no_message_is_told_by_a_handshake(self) -> None:
        scene = Scene(THREE, opened=False, wish=FIRST)
        scene.open(scene.pieces(0))
        other = Guest(scene, pieces=scene.pieces())
        other.say_extensions()
        extension = other.near.extension
        assert extension is not None
        del extension.message_ids[UPLOAD_ONLY]
        other.said(ExtensionHandshakeReceived)
        scene.do(scene.swarm.change_wish(ALL, scene.now))
        (told,) = other.said(ExtensionHandshakeReceived)
        assert told.handshake.upload_only is False
        assert other.said(UploadOnlyChanged) == []

    @pytest.mark.parametrize("how", ["handshake", "message"])
    def test_two_of_them_part_whatever_each_lacks(self, how: str) -> None:
        scene = Scene(THREE, opened=False, wish=FIRST)
        scene.open(scene.pieces(0))
        guest = Guest(scene, pieces=scene.pieces(1))
        if how == "handshake":
            guest.far.send_extension_handshake(None, None, True, scene.now)
        else:
            guest.say_extensions()
            assert scene.closed() == []
            guest.far.send_upload_only(True)
        guest.flush()
        assert scene.closed() == ["neither side wants anything"]

    def test_one_that_has_what_we_lack_stays_until_we_have_it(self) -> None:
        scene = Scene(THREE)
        guest = Guest(scene, pieces=scene.pieces(0))
        guest.far.send_extension_handshake(None, None, True, scene.now)
        guest.unchoke()
        assert scene.closed() == []
        guest.answer_all()
        scene.hash_and_store()
        assert scene.closed() == ["neither side wants anything"]

    def test_one_that_lacks_what_we_lack_goes_and_is_dialed_when_we_want_more(self) -> None:
        scene = Scene(THREE, wish=FIRST)
        (address,) = scene.find("20.0.0.1")
        guest = Guest(scene, "20.0.0.1", dialed=True, pieces=scene.pieces(1))
        guest.far.send_extension_handshake(None, None, True, scene.now)
        guest.flush()
        assert scene.closed() == ["neither side wants anything"]
        scene.later(3600)
        assert scene.told(Dial) == []
        scene.do(scene.swarm.change_wish(ALL, scene.now))
        assert scene.told(Dial) == [Dial(address)]

    def test_one_whose_pieces_we_do_not_know_stays_while_we_want_some(self) -> None:
        scene = Scene(THREE)
        guest = Guest(scene, fast=False)
        guest.far.send_extension_handshake(None, None, True, scene.now)
        guest.flush()
        assert scene.closed() == []

    def test_one_that_may_have_come_for_the_metadata_stays(self) -> None:
        scene = Scene(THREE, opened=False)
        scene.open(scene.full())
        guest = Guest(scene)
        guest.far.send_extension_handshake(None, None, True, scene.now)
        guest.flush()
        assert scene.closed() == []
        told = Guest(scene, "20.1.0.1")
        told.far.send_extension_handshake(len(THREE.metadata), None, True, scene.now)
        told.flush()
        assert scene.closed() == ["neither side wants anything"]
