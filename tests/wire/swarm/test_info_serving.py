"""The info dictionary served to peers, within limits (BEP 9; security M5)."""

from tests.wire.swarm.scene import TORRENT, Guest, Scene
from tests.wire.torrents import single_file
from torrentd.wire.formats.metadata import MetadataData, MetadataReject
from torrentd.wire.peer.events import MetadataMessage
from torrentd.wire.swarm.info_serving import ASKS_PER_PIECE_MAX

# metadata of three pieces: 2,000 hashes
BIG = single_file(bytes(40_000), 20)


def guest_of(scene: Scene) -> Guest:
    guest = Guest(scene)
    guest.say_extensions()
    return guest


def answers(guest: Guest, *pieces: int) -> list[MetadataData | MetadataReject | object]:
    for piece in pieces:
        guest.far.send_metadata_request(piece)
    guest.flush()
    return [event.message for event in guest.said(MetadataMessage)]


def test_each_piece_is_served_with_the_size_of_the_whole() -> None:
    guest = guest_of(Scene(BIG))
    size = len(BIG.metadata)
    assert 2 * 16384 < size < 3 * 16384
    assert answers(guest, 0, 1, 2) == [
        MetadataData(piece, size, BIG.metadata[piece * 16384 : (piece + 1) * 16384])
        for piece in range(3)
    ]


def test_a_piece_that_is_not_there_is_rejected() -> None:
    guest = guest_of(Scene(BIG))
    assert answers(guest, 3) == [MetadataReject(3)]


def test_before_the_metadata_is_known_every_request_is_rejected() -> None:
    guest = guest_of(Scene(magnet=True))
    assert answers(guest, 0) == [MetadataReject(0)]


def test_no_peer_gets_it_more_than_twice() -> None:
    guest = guest_of(Scene())
    (first, second, third) = answers(guest, 0, 0, 0)
    assert ASKS_PER_PIECE_MAX == 2
    assert first == second == MetadataData(0, len(TORRENT.metadata), TORRENT.metadata)
    assert third == MetadataReject(0)


def test_a_peer_that_takes_no_bytes_is_answered_when_it_does() -> None:
    scene = Scene(BIG)
    guest = guest_of(scene)
    scene.swarm.transport_paused(guest.near)
    assert answers(guest, *range(3), *[1] * 500) == []
    assert len(scene.peer(guest).metadata_waiting) <= 64
    scene.do(scene.swarm.transport_resumed(guest.near, scene.now))
    assert len(guest.said(MetadataMessage)) == 3
