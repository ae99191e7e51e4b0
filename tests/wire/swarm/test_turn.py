"""What follows every input: its deadlines are true, and nothing waits for a tick (BEP 3)."""

from tests.wire.swarm.scene import Guest, Scene
from torrentd.config.schema import Limits
from torrentd.wire.swarm.actions import Dial


def test_the_deadline_is_the_nearest_of_all_and_none_while_nothing_is_due() -> None:
    scene = Scene()
    search_at = scene.swarm.next_deadline()
    assert search_at == scene.now + 5.0, "hungry: the DHT is asked again"
    guest = Guest(scene, greet=False, dialed=True)
    assert scene.swarm.next_deadline() == scene.now + 5.0
    scene.later(5)
    assert scene.swarm.next_deadline() == guest.near.connected_at + 10.0, "its handshake is due"
    scene.do(scene.swarm.stop(scene.now))
    assert scene.swarm.next_deadline() is None


def test_the_place_of_one_who_leaves_is_given_away_in_the_same_turn() -> None:
    scene = Scene(limits=Limits(peers_per_torrent_max=1))
    guest = Guest(scene, dialed=True, pieces=scene.pieces())
    assert scene.find("20.1.0.1") == []
    scene.do(scene.swarm.connection_lost(guest.near, scene.now))
    assert [dial.address.host for dial in scene.told(Dial)] == ["20.1.0.1"]
