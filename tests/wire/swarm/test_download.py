"""Pieces asked for, gathered and handed over, as peers come, choke, dawdle and go (BEP 3, 6)."""

import pytest

from tests.wire.swarm.scene import TORRENT, Guest, Scene
from torrentd.wire.peer.events import BlockReceived
from torrentd.wire.swarm.actions import StorePiece, Transmit


def seed(scene: Scene, host: str = "20.0.0.1", *, fast: bool = True) -> Guest:
    guest = Guest(scene, host, pieces=scene.full(), fast=fast)
    guest.unchoke()
    assert guest.owed
    return guest


def finish(scene: Scene, *guests: Guest) -> None:
    for _ in range(200):
        for guest in guests:
            guest.answer_all()
        if not scene.hash_and_store() and not any(guest.owed for guest in guests):
            break
    assert scene.swarm.is_complete
    assert all(not other.far.owed for other in guests)


def test_the_buffer_of_a_full_piece_is_exactly_the_piece() -> None:
    scene = Scene()
    seed(scene).answer_all()
    for piece in scene.told(StorePiece):
        assert bytes(piece.buffer) == TORRENT.piece(piece.piece_index)


def test_requests_go_out_in_one_transmit_a_read() -> None:
    scene = Scene()
    guest = seed(scene)
    scene.told(Transmit)
    guest.answer(*guest.owed[:6])
    assert len(scene.told(Transmit)) <= 1


@pytest.mark.parametrize("fast", [True, False])
def test_a_choke_in_the_middle_of_a_piece_loses_nothing_that_came(fast: bool) -> None:
    scene = Scene()
    guest, other = seed(scene, fast=fast), seed(scene, "20.1.0.1")
    first = guest.owed[0]
    guest.answer(first)
    guest.choke()
    assert guest.near.outstanding.count == 0
    finish(scene, other)
    assert scene.swarm.wasted_bytes == 0
    assert scene.swarm.downloaded_bytes == len(TORRENT.content)


def test_after_an_unchoke_the_same_peer_goes_on() -> None:
    scene = Scene()
    guest = seed(scene)
    guest.answer(guest.owed[0])
    guest.choke()
    guest.unchoke()
    finish(scene, guest)
    assert scene.swarm.wasted_bytes == 0


def test_a_block_after_its_time_out_is_taken_and_its_second_request_cancelled() -> None:
    """transmission#8042."""
    scene = Scene()
    guest = seed(scene)
    late = guest.owed[0]
    asked = dict.fromkeys(guest.owed)
    scene.later(25)
    assert guest.near.snubbed
    other = seed(scene, "20.1.0.1")
    while late not in other.owed:
        other.answer(*other.owed[:1])
    guest.far.owed |= asked
    guest.answer(late)
    assert late not in other.owed, "cancelled"
    assert scene.swarm.wasted_bytes == 0


def test_what_a_snubbed_peer_owes_is_asked_of_others() -> None:
    scene = Scene()
    seed(scene)
    other = seed(scene, "20.1.0.1")
    finish(scene, other)


def test_in_the_endgame_the_second_requester_is_cancelled() -> None:
    scene = Scene()
    guest, other = seed(scene), seed(scene, "20.1.0.1")
    while not set(guest.owed) & set(other.owed):
        (guest if guest.owed else other).answer((guest.owed or other.owed)[0])
        scene.hash_and_store()
    both = next(block for block in guest.owed if block in other.owed)
    guest.answer(both)
    assert both not in other.owed
    finish(scene, guest, other)


def test_a_peer_that_refuses_without_choking_is_not_asked_for_that_piece_again() -> None:
    scene = Scene()
    guest = seed(scene)
    for _ in range(100):
        if not guest.owed:
            break
        for block in guest.owed:
            guest.far.send_reject(block)
        guest.flush()
    assert not guest.owed, "it would go on for ever"
    guest.choke()
    guest.unchoke()
    assert guest.owed, "an unchoke is a new beginning"


def test_a_piece_that_a_peer_gains_is_asked_of_it_at_once() -> None:
    scene = Scene()
    guest = Guest(scene, pieces=scene.pieces())
    guest.unchoke()
    assert guest.far.peer_interested is False
    guest.far.send_have(7)
    guest.flush()
    assert guest.near.am_interested
    assert {block.piece_index for block in guest.owed} == {7}


def test_interest_ends_with_the_last_piece_that_the_peer_has() -> None:
    scene = Scene()
    guest = Guest(scene, pieces=scene.pieces(3))
    guest.unchoke()
    guest.answer_all()
    scene.hash_and_store()
    assert not guest.near.am_interested


def test_a_failed_disk_makes_the_piece_missing_and_nobody_a_liar() -> None:
    scene = Scene()
    guest = seed(scene)
    guest.answer(*guest.owed[:3])
    (piece,) = scene.told(StorePiece)
    scene.do(scene.swarm.store_failed(piece.piece_index, piece.buffer, scene.now))
    assert scene.swarm.peers_banned == scene.swarm.hash_failures == 0
    finish(scene, guest)


def test_a_bad_block_among_several_peers_convicts_its_sender_alone() -> None:
    """X1, block by block."""
    scene = Scene()
    one, two = seed(scene), seed(scene, "20.1.0.1")
    for guest in (one, two):  # both have proven themselves, and may share pieces
        guest.answer(*guest.owed[:3])
    scene.hash_and_store()
    assert scene.swarm._download is not None
    picker = scene.swarm._download.picker
    piece_index = next(i for i, begun in picker.assemblies.items() if not begun.senders)
    assembly = picker.assemblies[piece_index]
    for block, peer in zip(assembly.blocks, (one, two, two), strict=True):
        data = bytearray(TORRENT.piece(piece_index)[block.begin : block.begin + block.length])
        data[5] ^= peer is two and block.begin == 16384
        assembly.receive(block.begin, memoryview(data), scene.peer(peer))
    picker.filled(assembly)
    buffer = assembly.view
    scene.do(scene.swarm.piece_refused(piece_index, buffer, scene.now))
    assert scene.swarm.peers_banned == 0
    third = seed(scene, "20.2.0.1")
    assert {block.piece_index for block in third.owed[:3]} == {piece_index}
    third.answer(*third.owed[:3])
    assert scene.hash_and_store()[piece_index]
    assert scene.swarm.peers_banned == 1
    assert two.near not in scene.swarm.connections
    assert {one.near, third.near} <= set(scene.swarm.connections)
    assert scene.closed() == ["it sent data that is not the torrent's"]


def test_a_duplicate_counts_as_waste() -> None:
    scene = Scene()
    guest = seed(scene)
    block = guest.owed[0]
    guest.answer(block)
    again = BlockReceived(block.piece_index, block.begin, memoryview(bytes(block.length)))
    assert scene.swarm._download is not None
    scene.swarm._download.take_blocks(scene.peer(guest), [again], 0, [])
    assert scene.swarm.wasted_bytes == block.length
