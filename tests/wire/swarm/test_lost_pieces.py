"""Pieces that were had and are had no more, ours and a peer's (BEP 54; security F8, T23)."""

import pytest

from tests.wire.swarm.scene import PIECES, Guest, Scene
from tests.wire.torrents import single_file
from torrentd.wire.formats.dont_have import encode_dont_have
from torrentd.wire.formats.extension import LT_DONTHAVE, OUR_MESSAGE_IDS
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.formats.messages import encode_extended, encode_have
from torrentd.wire.peer.events import DontHave, Have, RequestRejected, Unchoked
from torrentd.wire.swarm.actions import Completed
from torrentd.wire.swarm.quota import RATIO_MAX


def dont_have(piece_index: int) -> bytes:
    return encode_extended(OUR_MESSAGE_IDS[LT_DONTHAVE], encode_dont_have(piece_index))


def say(guest: Guest, *messages: bytes) -> None:
    for message in messages:
        guest.far._queue(message)
    guest.flush()


def seeding() -> Scene:
    scene = Scene(opened=False)
    scene.open(scene.full())
    scene.told(Completed)
    return scene


def leecher(scene: Scene, host: str = "20.0.0.1") -> Guest:
    guest = Guest(scene, host, pieces=scene.pieces())
    guest.say_extensions()
    guest.far.send_interested()
    guest.flush()
    assert guest.said(Unchoked)
    return guest


class TestOurs:
    def test_who_knew_of_it_is_told_and_gets_it_when_we_have_it_again(self) -> None:
        scene = seeding()
        guest = leecher(scene)
        guest.far.send_requests(scene.info.geometry.blocks(3), scene.now)
        guest.flush()
        scene.do(scene.swarm.piece_lost(3, scene.now))
        assert guest.said(DontHave) == [DontHave(3, [])]
        assert len(guest.said(RequestRejected)) == 3
        assert guest.far.pieces is not None and 3 not in guest.far.pieces
        assert scene.read() == [(3, 0), (3, 16384), (3, 32768)]
        assert scene.swarm.uploaded_bytes == 0, "what was read meanwhile is not sent"
        giver = Guest(scene, "20.1.0.1", pieces=scene.full())
        giver.unchoke()
        giver.answer_all()
        assert scene.hash_and_store() == {3: True}
        assert guest.said(Have) == [Have(3)]
        assert scene.told(Completed) == [Completed()]

    def test_what_a_check_misses_is_told_too(self) -> None:
        scene = seeding()
        guest = leecher(scene)
        have = scene.full()
        have.clear(3)
        have.clear(5)
        scene.open(have)
        assert {event.piece_index for event in guest.said(DontHave)} == {3, 5}
        assert guest.far.pieces == have

    def test_a_piece_that_we_never_had_is_no_news(self) -> None:
        scene = Scene()
        scene.open(scene.pieces(1))
        guest = leecher(scene)
        scene.do(scene.swarm.piece_lost(3, scene.now))
        assert guest.said(DontHave) == []

    def test_nobody_is_allowed_it_fast_any_more(self) -> None:
        scene = seeding()
        guest = leecher(scene)
        fast = next(iter(guest.near.allowed_fast_out))
        scene.do(scene.swarm.piece_lost(fast, scene.now))
        assert fast not in guest.near.allowed_fast_out


class TestAPeers:
    @pytest.mark.parametrize("fast", [True, False])
    def test_it_is_asked_of_others(self, fast: bool) -> None:
        scene = Scene()
        scene.open(scene.pieces(*range(1, PIECES)))
        loser = Guest(scene, pieces=scene.full(), fast=fast)
        loser.unchoke()
        asked = loser.owed
        assert {block.piece_index for block in asked} == {0}
        other = Guest(scene, "20.1.0.1", pieces=scene.full())
        other.unchoke()
        say(loser, dont_have(0))
        for block in asked if fast else ():
            loser.far.send_reject(block)
        loser.flush()
        assert scene.swarm.outlook().sources == 1
        assert not loser.near.am_interested
        other.answer_all()
        scene.hash_and_store()
        assert scene.swarm.have.all()

    def test_it_is_not_asked_of_the_loser_until_it_has_it_again(self) -> None:
        scene = Scene()
        scene.open(scene.pieces(*range(1, PIECES)))
        guest = Guest(scene, pieces=scene.full())
        say(guest, dont_have(0))
        guest.unchoke()
        scene.later(60)
        assert guest.owed == [] and scene.swarm.outlook().sourceless == 1
        say(guest, encode_have(0))
        guest.answer_all()
        assert scene.hash_and_store() == {0: True}

    def test_a_piece_on_parole_that_its_owner_lost_begins_again_with_another(self) -> None:
        """Else it would hang for ever: nobody else may go on with it."""
        scene = Scene()
        scene.open(scene.pieces(*range(1, PIECES)))
        guests = [Guest(scene, f"20.{i}.0.1", pieces=scene.full(), fast=False) for i in range(3)]
        first, owner, other = guests
        first.unchoke()
        first.answer(first.owed[0], spoil=True)
        first.choke()
        owner.unchoke()
        owner.answer_all()
        assert scene.hash_and_store() == {0: False}
        other.unchoke()
        owner.answer(owner.owed[0])
        assert owner.owed and not other.owed
        say(owner, dont_have(0))
        other.answer_all()
        assert scene.hash_and_store() == {0: True}

    def test_what_it_was_given_first_and_lost_may_go_out_again(self) -> None:
        scene = seeding()
        guest, other = leecher(scene), leecher(scene, "20.1.0.1")
        block = BlockRef(3, 0, 16384)
        for each in (guest, other):
            each.far.send_requests([block], scene.now)
            each.flush()
        assert other.said(RequestRejected), "it was to get it of the first"
        say(guest, encode_have(3), dont_have(3))
        third = leecher(scene, "20.2.0.1")
        third.far.send_requests([block], scene.now)
        third.flush()
        assert third.said(RequestRejected) == []


class TestAbuse:
    def test_a_hundred_thousand_flips_end_the_connection_and_nobody_elses(self) -> None:
        scene = Scene()
        honest = Guest(scene, "20.1.0.1", pieces=scene.full())
        honest.unchoke()
        guest = Guest(scene, pieces=scene.full())
        say(guest, *[dont_have(3), encode_have(3)] * 50_000)
        assert scene.closed() == ["a flood of control messages"]
        honest.answer_all()
        scene.hash_and_store()
        assert scene.swarm.have.count >= PIECES - 1

    def test_nobody_talks_itself_into_another_copy(self) -> None:
        """T23: a piece that is lost and had again is no gain."""
        torrent = single_file(bytes(160_000), 40_000)
        scene = Scene(torrent, opened=False)
        scene.open(scene.full())
        guest = leecher(scene)
        blocks = [block for i in range(4) for block in scene.info.geometry.blocks(i)]
        for _ in range(2 * RATIO_MAX + 4):
            guest.far.send_requests(blocks, scene.now)
            guest.flush()
            scene.read()
            say(guest, *(m for i in range(4) for m in (encode_have(i), dont_have(i))))
        copies = scene.swarm.uploaded_bytes / len(torrent.content)
        assert copies <= RATIO_MAX + 1.5
