"""Peers tell each other whom they are connected to (BEP 11)."""

import pytest

from tests.wire.swarm.scene import Guest, Scene
from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import PeerId
from torrentd.wire.formats.pex import FLAG_REACHABLE, FLAG_SEED, Pex
from torrentd.wire.peer.events import PexReceived
from torrentd.wire.swarm.actions import Dial


def listener(scene: Scene, host: str = "20.0.0.1", listen_port: int | None = 7001) -> Guest:
    guest = Guest(scene, host)
    guest.say_extensions(listen_port=listen_port)
    return guest


def told(guest: Guest) -> list[Pex]:
    return [event.pex for event in guest.said(PexReceived)]


class TestOut:
    def test_a_newcomer_is_told_of_those_who_can_be_dialed(self) -> None:
        scene = Scene()
        scene.find("20.1.0.1")
        Guest(scene, "20.1.0.1", dialed=True, pieces=scene.full())
        Guest(scene, "20.2.0.1").say_extensions(listen_port=7002)
        Guest(scene, "20.3.0.1")  # it never says where it listens
        guest = listener(scene)
        (pex,) = told(guest)
        assert pex.added == [
            (Address("20.1.0.1", 6881), FLAG_SEED | FLAG_REACHABLE),
            (Address("20.2.0.1", 7002), 0),
        ]
        assert pex.dropped == []

    def test_a_partial_seed_is_told_as_a_seed(self) -> None:
        """The flag is "seed/upload_only"."""
        scene = Scene()
        partial = Guest(scene, "20.2.0.1", pieces=scene.pieces(1))
        partial.far.send_extension_handshake(None, 7002, True, scene.now)
        partial.flush()
        (pex,) = told(listener(scene))
        assert pex.added == [(Address("20.2.0.1", 7002), FLAG_SEED)]

    def test_then_only_what_changed_and_no_more_than_once_a_minute(self) -> None:
        scene = Scene()
        guest = listener(scene)
        first = listener(scene, "20.1.0.1", 7001)
        gone = listener(scene, "20.2.0.1", 7002)
        scene.later(59)
        assert told(guest) == []
        scene.later(2)
        (pex,) = told(guest)
        assert [address.host for address, _ in pex.added] == ["20.1.0.1", "20.2.0.1"]
        scene.do(scene.swarm.connection_lost(gone.near, scene.now))
        scene.later(58)
        assert told(guest) == []
        scene.later(2)
        assert told(guest) == [Pex([], [Address("20.2.0.1", 7002)])]
        scene.later(120)
        assert told(guest) == [], "no news, no message"
        assert told(first)

    def test_nobody_is_told_of_itself_or_of_a_local_address(self) -> None:
        scene = Scene()
        local = Guest(scene, "192.168.1.5", peer_id=PeerId(b"-XX0001-localpeer123"))
        local.say_extensions(listen_port=6881)
        guest = listener(scene)
        scene.later(61)
        assert told(guest) == []

    def test_an_address_that_never_shook_hands_is_told_to_nobody(self) -> None:
        scene = Scene()
        scene.find("20.1.0.1")
        Guest(scene, "20.1.0.1", dialed=True, greet=False)
        assert told(listener(scene)) == []

    def test_who_does_not_speak_it_hears_nothing(self) -> None:
        scene = Scene()
        guest = Guest(scene, "20.5.0.1")
        listener(scene)
        scene.later(200)
        assert told(guest) == []

    def test_no_more_than_fifty_at_once(self) -> None:
        scene = Scene(limits=Limits(peers_per_torrent_max=80))
        for number in range(55):
            listener(scene, f"21.{number}.0.1", 7000)
        guest = listener(scene)
        (pex,) = told(guest)
        assert len(pex.added) == 50
        scene.later(125)
        assert sum(len(each.added) for each in told(guest)) == 5

    def test_alone_there_is_no_round(self) -> None:
        scene = Scene()
        guest = listener(scene)
        scene.do(scene.swarm.connection_lost(guest.near, scene.now))
        scene.later(100)
        assert scene.swarm._exchange.next_deadline() is None or not scene.swarm.connections


class TestIn:
    def dials(self, scene: Scene) -> list[str]:
        return [dial.address.host for dial in scene.told(Dial)]

    def test_peers_that_are_told_are_dialed(self) -> None:
        scene = Scene()
        guest = listener(scene)
        guest.far.send_pex(Pex([(Address("20.8.0.1", 6881), 0)]))
        guest.flush()
        assert self.dials(scene) == ["20.8.0.1"]

    def test_a_seed_has_no_use_for_seeds(self) -> None:
        scene = Scene(opened=False)
        scene.open(scene.full())
        guest = listener(scene)
        seed, other = Address("20.8.0.1", 6881), Address("20.9.0.1", 6881)
        guest.far.send_pex(Pex([(seed, FLAG_SEED), (other, FLAG_REACHABLE)]))
        guest.flush()
        assert self.dials(scene) == ["20.9.0.1"]

    @pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "224.0.0.1"])
    def test_local_addresses_are_not(self, host: str) -> None:
        scene = Scene()
        guest = listener(scene)
        guest.far.send_pex(Pex([(Address(host, 6881), 0)]))
        guest.flush()
        assert self.dials(scene) == []

    def test_messages_that_come_too_often_are_ignored_and_then_a_reason_to_part(self) -> None:
        scene = Scene()
        guest = listener(scene)
        for number in range(8):
            guest.far.send_pex(Pex([(Address(f"20.8.{number}.1", 6881), 0)]))
            guest.flush()
        assert self.dials(scene) == ["20.8.0.1"]
        assert scene.closed() == ["peer exchange too often"]

    def test_one_a_minute_is_welcome_for_ever(self) -> None:
        scene = Scene()
        guest = listener(scene)
        for number in range(8):
            guest.far.send_pex(Pex([(Address(f"20.8.{number}.1", 6881), 0)]))
            guest.flush()
            scene.later(60)
        assert scene.closed() == []
