"""What can be read from a swarm at any time (BEP 3, 9)."""

from tests.wire.swarm.scene import TORRENT, Guest, Scene


def test_before_the_metadata_there_is_nothing_to_have() -> None:
    swarm = Scene(magnet=True).swarm
    assert swarm.info is None and swarm.metadata is None
    assert swarm.have.size == 0 and swarm.wanted.size == 0
    assert swarm.wanted_bytes == swarm.done_bytes == swarm.hash_failures == swarm.wasted_bytes == 0
    assert swarm.info_progress == 0.0
    assert not swarm.is_complete


def test_before_the_store_is_open_nothing_is_had() -> None:
    swarm = Scene(opened=False).swarm
    assert (swarm.have.size, swarm.have.count) == (13, 0)
    assert swarm.info_progress == 1.0
    assert not swarm.is_complete


def test_sizes_count_the_short_last_piece() -> None:
    scene = Scene(opened=False)
    scene.open(scene.pieces(0, 12))
    assert scene.swarm.wanted_bytes == len(TORRENT.content)
    assert scene.swarm.done_bytes == 40_000 + 1_234
    assert scene.swarm.wanted.all()


def test_peers_by_their_source() -> None:
    scene = Scene()
    scene.find("20.0.0.1")
    dialed = Guest(scene, "20.0.0.1", dialed=True)
    came = Guest(scene, "20.1.0.1")
    assert scene.swarm.connections == [dialed.near, came.near]
    assert [scene.swarm.source(end.near) for end in (dialed, came)] == ["dht", "incoming"]
    assert scene.swarm.handshakes_count == 2
    assert scene.swarm.peers_known >= 1


def test_metadata_progress_is_that_of_the_furthest() -> None:
    scene = Scene(magnet=True)
    guest = Guest(scene)
    guest.say_extensions(metadata_size=40_000)
    guest.far.send_metadata_data(0, 40_000, bytes(16_384))
    guest.flush()
    assert scene.swarm.info_progress == 1 / 3
