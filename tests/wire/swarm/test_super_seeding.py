"""Who is shown which piece when (BEP 16)."""

import pytest

from tests.wire.swarm.scene import PIECES, Guest, Scene
from tests.wire.swarm.test_introduction import leecher, scene_of, shown
from torrentd.wire.formats.messages import KEEP_ALIVE, encode_have
from torrentd.wire.swarm.choker import TURN_S
from torrentd.wire.swarm.super_seeding import PATIENCE_S, PIECES_AT_ONCE, UNWANTED_S


def interested(scene: Scene, host: str = "20.0.0.1") -> Guest:
    guest = leecher(scene, host)
    guest.far.send_interested()
    guest.flush()
    return guest


def has(guest: Guest, *pieces: int) -> None:
    for piece_index in pieces:
        guest.far._queue(encode_have(piece_index))
    guest.flush()


def test_each_is_shown_other_pieces_while_there_are_some() -> None:
    scene = scene_of()
    pieces = [i for n in range(6) for i in shown(interested(scene, f"20.{n}.0.1"))]
    assert len(pieces) == len(set(pieces)) == 6 * PIECES_AT_ONCE
    last = shown(interested(scene, "20.7.0.1"))
    assert len(last) == PIECES_AT_ONCE, "and then those again"


def test_the_next_one_comes_when_another_peer_has_what_it_was_shown() -> None:
    scene = scene_of()
    one, two = interested(scene), interested(scene, "20.1.0.1")
    first = shown(one)[0]
    shown(two)
    has(one, first)
    assert shown(one) == [], "nobody has it of this peer yet"
    has(two, first)
    assert len(shown(one)) == 1
    assert shown(two) == []


def test_who_is_alone_need_not_pass_anything_on() -> None:
    scene = scene_of()
    guest = interested(scene)
    known: list[int] = []
    for _ in range(PIECES):
        new = shown(guest)
        known += new
        has(guest, *new)
    assert sorted(known) == list(range(PIECES))
    assert scene.closed() == ["neither side wants anything"]


def test_who_is_left_alone_goes_on() -> None:
    scene = scene_of()
    one, two = interested(scene), interested(scene, "20.1.0.1")
    pieces = shown(one)
    has(one, *pieces)
    assert shown(one) == []
    scene.do(scene.swarm.connection_lost(two.near, scene.now))
    assert len(shown(one)) == PIECES_AT_ONCE


def test_the_rarest_is_shown() -> None:
    scene = scene_of()
    Guest(scene, pieces=scene.pieces(*(i for i in range(PIECES) if i not in (4, 9))))
    scene.later(TURN_S)  # it does not want them
    assert set(shown(interested(scene, "20.1.0.1"))) == {4, 9}


def test_what_a_peer_does_not_want_gives_way_to_another() -> None:
    scene = scene_of()
    interested(scene, "20.1.0.1")
    guest = leecher(scene)
    first = set(shown(guest))
    scene.later(2 * UNWANTED_S + 1)
    assert set(shown(guest)) - first


def test_a_piece_that_nobody_takes_of_it_keeps_a_peer_waiting_for_five_minutes() -> None:
    """Peers that cannot reach each other all come to an end."""
    scene = scene_of()
    one, two = interested(scene), interested(scene, "20.1.0.1")
    has(one, *shown(one))

    def wait(seconds: float) -> None:
        for _ in range(int(seconds / 10)):
            scene.later(10)
            for guest in (one, two):
                guest.far._queue(KEEP_ALIVE)
                guest.flush()

    wait(PATIENCE_S - 20)
    assert shown(one) == []
    wait(40)
    assert len(shown(one)) == PIECES_AT_ONCE


@pytest.mark.parametrize("leavers", [1, 5])
def test_nothing_is_kept_of_those_who_left(leavers: int) -> None:
    scene = scene_of()
    guests = [interested(scene, f"20.{n}.0.1") for n in range(leavers)]
    for guest in guests:
        scene.do(scene.swarm.connection_lost(guest.near, scene.now))
    seeding = scene.swarm._super
    assert seeding is not None and not seeding._shown and not seeding._to
