"""How peers leave a swarm (BEP 3, 21; security X1, X3)."""

from tests.wire.swarm.scene import Guest, Scene
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.messages import encode_have, encode_interested, encode_unchoke
from torrentd.wire.peer.events import InterestChanged


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
