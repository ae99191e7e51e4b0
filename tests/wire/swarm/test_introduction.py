"""What a swarm tells of itself while it seeds super, and when that begins and ends (BEP 16)."""

from tests.wire.swarm.scene import PIECES, Guest, Scene
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.peer.events import ExtensionHandshakeReceived, Have, RequestRejected
from torrentd.wire.swarm.actions import Dial
from torrentd.wire.swarm.super_seeding import PIECES_AT_ONCE


def scene_of(*, wanted: bool = True) -> Scene:
    scene = Scene(opened=False)
    scene.do(scene.swarm.seed_super(wanted, scene.now))
    scene.open(scene.full())
    return scene


def leecher(scene: Scene, host: str = "20.0.0.1") -> Guest:
    guest = Guest(scene, host, pieces=scene.pieces())
    guest.say_extensions()
    return guest


def shown(guest: Guest) -> list[int]:
    return [have.piece_index for have in guest.said(Have)]


def test_it_masquerades_as_a_client_with_no_data() -> None:
    scene = scene_of()
    guest = leecher(scene)
    assert len(shown(guest)) == PIECES_AT_ONCE
    assert guest.far.pieces is not None and guest.far.pieces.count == PIECES_AT_ONCE
    assert not guest.far.upload_only and not guest.far.allowed_fast_in
    (told,) = guest.said(ExtensionHandshakeReceived)
    assert told.handshake.upload_only is None


def test_one_without_the_fast_extension_is_shown_pieces_too() -> None:
    told = Guest(scene_of(), fast=False).far.pieces
    assert told is not None and told.count == PIECES_AT_ONCE


def test_what_it_was_not_shown_it_does_not_get() -> None:
    scene = scene_of()
    guest = leecher(scene)
    mine = shown(guest)
    guest.far.send_interested()
    guest.flush()
    other = next(i for i in range(PIECES) if i not in mine)
    guest.far.send_requests([BlockRef(other, 0, 16), BlockRef(mine[0], 0, 16)], scene.now)
    guest.flush()
    assert guest.said(RequestRejected) == [RequestRejected(BlockRef(other, 0, 16))]
    assert scene.read() == [(mine[0], 0)]


def test_a_peer_that_came_before_the_store_was_open_is_shown_pieces() -> None:
    scene = Scene(opened=False)
    scene.do(scene.swarm.seed_super(True, scene.now))
    guest = leecher(scene)
    scene.open(scene.full())
    assert len(shown(guest)) == PIECES_AT_ONCE


def test_switched_on_it_parts_from_those_who_know_all_and_dials_them_again() -> None:
    scene = scene_of(wanted=False)
    (address,) = scene.find("20.0.0.1")
    guest = Guest(scene, "20.0.0.1", dialed=True, pieces=scene.pieces())
    assert guest.far.is_seed
    scene.do(scene.swarm.seed_super(True, scene.now))
    assert scene.closed() == ["super seeding begins"]
    assert scene.told(Dial) == [Dial(address)]
    late = leecher(scene, "20.1.0.1")
    scene.do(scene.swarm.seed_super(True, scene.now))
    assert late.near in scene.swarm.connections, "it was on already"


def test_switched_off_it_shows_everything() -> None:
    scene = scene_of()
    guest = leecher(scene)
    scene.do(scene.swarm.seed_super(False, scene.now))
    assert sorted(shown(guest)) == list(range(PIECES))
    assert guest.far.is_seed and guest.far.upload_only
    assert leecher(scene, "20.1.0.1").far.is_seed


def test_only_a_full_seed_seeds_so() -> None:
    scene = scene_of()
    guest = leecher(scene)
    scene.do(scene.swarm.piece_lost(3, scene.now))
    assert set(shown(guest)) | {3} == set(range(PIECES))
    downloading = Scene()
    downloading.do(downloading.swarm.seed_super(True, downloading.now))
    giver = Guest(downloading, pieces=downloading.full())
    giver.unchoke()
    other = Guest(downloading, "20.1.0.1", pieces=downloading.pieces())
    other.say_extensions()
    for _ in range(20):
        giver.answer_all()
        downloading.hash_and_store()
    assert downloading.swarm.is_seed
    assert other.far.is_seed, "it knew all along what we have"
    assert len(shown(leecher(downloading, "20.2.0.1"))) == PIECES_AT_ONCE


def test_two_seeds_part_though_one_pretends_to_be_none() -> None:
    scene = scene_of()
    Guest(scene, pieces=scene.full())
    assert scene.closed() == ["neither side wants anything"]
