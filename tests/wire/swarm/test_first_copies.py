"""What nobody has goes out once before anything goes out twice (BEP 3, rarest first; BEP 6)."""

from tests.wire.swarm.scene import PIECES, Guest, Scene, ask, leecher, seeding
from tests.wire.swarm.stand_ins import stand_in
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.peer.events import BlockReceived, RequestRejected
from torrentd.wire.swarm.availability import Availability
from torrentd.wire.swarm.first_copies import FirstCopies
from torrentd.wire.swarm.piece_mask import full_mask


def two() -> tuple[Scene, Guest, Guest]:
    """A seed and two peers that have nothing; the first gets piece 3."""
    scene = seeding()
    first, second = leecher(scene), leecher(scene, "20.1.0.1")
    ask(first, *piece(scene, 3))
    scene.read()
    assert len(first.said(BlockReceived)) == 3
    return scene, first, second


def piece(scene: Scene, index: int) -> list[BlockRef]:
    return scene.info.geometry.blocks(index)


def test_the_second_who_asks_for_a_piece_is_told_no_and_served_when_he_insists() -> None:
    scene, _, second = two()
    ask(second, *piece(scene, 3), *piece(scene, 4))
    assert [reject.block for reject in second.said(RequestRejected)] == piece(scene, 3)
    assert {index for index, _ in scene.read()} == {4}
    ask(second, *piece(scene, 3))
    assert second.said(RequestRejected) == []
    assert {index for index, _ in scene.read()} == {3}
    assert scene.peer(second).refusals == 0, "it did nothing wrong"


def test_the_first_may_ask_again() -> None:
    scene, first, _ = two()
    ask(first, *piece(scene, 3))
    assert {index for index, _ in scene.read()} == {3}


def test_what_somebody_says_he_has_is_elsewhere_too() -> None:
    scene = seeding()
    Guest(scene, "20.2.0.1", pieces=scene.pieces(7))
    guest = leecher(scene)
    ask(guest, *piece(scene, 7))
    assert len(guest.said(RequestRejected)) == 3


def test_when_every_piece_is_out_nobody_is_told_no() -> None:
    scene, first, second = two()
    for index in range(PIECES):
        ask(first, *piece(scene, index))
        scene.read()
    ask(second, *piece(scene, 5))
    assert second.said(RequestRejected) == []
    assert {index for index, _ in scene.read()} == {5}


def test_what_he_was_given_who_left_before_he_had_it_goes_to_the_next() -> None:
    scene, first, second = two()
    scene.do(scene.swarm.connection_lost(first.near, scene.now))
    ask(second, *piece(scene, 3))
    assert second.said(RequestRejected) == []
    assert {index for index, _ in scene.read()} == {3}


def test_what_he_was_given_who_is_choked_before_he_had_it_goes_to_the_next() -> None:
    scene, first, second = two()
    first.far.send_not_interested()
    first.flush()
    scene.later(45)
    assert first.near.am_choking
    ask(second, *piece(scene, 3))
    assert {index for index, _ in scene.read()} == {3}


def test_without_rejects_everybody_is_served() -> None:
    scene, _, _ = two()
    plain = leecher(scene, "20.3.0.1", fast=False)
    ask(plain, *piece(scene, 3))
    assert {index for index, _ in scene.read()} == {3}


class Stock:
    def __init__(self, piece_count: int) -> None:
        self.had = full_mask(piece_count)
        self.availability = Availability(piece_count)


def test_asked_twice_everything_is_given() -> None:
    """Whoever gives and leaves meanwhile: no piece is refused to a peer a second time."""
    copies = FirstCopies(Stock(8))
    peers = [stand_in(number) for number in range(3)]
    for peer in peers:
        peer.connection = leecher(seeding()).near
    for piece_index in (1, 2, 1, 5):
        for peer in peers:
            may_go = copies.may_go(piece_index, peer)
            assert may_go or copies.may_go(piece_index, peer)
        copies.ends(peers[0])


def test_where_there_is_a_seed_beside_us_nobody_is_told_no() -> None:
    stock = Stock(4)
    other = stand_in(9, 0, 1, 2, 3)
    stock.availability.count_peer(other)
    copies = FirstCopies(stock)
    peer = stand_in(1)
    peer.connection = leecher(seeding()).near
    assert all(copies.may_go(index, peer) for index in range(4))
