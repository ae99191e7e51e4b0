"""Joining, parting, dialing, banning (BEP 3, 11; security C3, W10, X3)."""

from dataclasses import dataclass

from tests.wire.swarm.scene import OURS, Guest, Scene
from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.ids import PeerId
from torrentd.wire.swarm.actions import Dial
from torrentd.wire.swarm.admission import BARREN_S
from torrentd.wire.swarm.turnover import INTERVAL_S
from torrentd.wire.swarm.vantage import Vantage


def test_a_full_swarm_takes_nobody_while_everybody_is_of_use() -> None:
    scene = Scene(limits=Limits(peers_per_torrent_max=2))
    for number in range(2):
        Guest(scene, f"20.{number}.0.1")
    late = Guest(scene, "20.9.0.1")
    assert late.near not in scene.swarm.connections
    assert len(scene.closed()) == 1


def test_two_idle_minutes_later_the_oldest_makes_way() -> None:
    scene = Scene(limits=Limits(peers_per_torrent_max=2))
    oldest = Guest(scene, "20.0.0.1")
    scene.later(1)
    other = Guest(scene, "20.1.0.1")
    scene.later(121)
    late = Guest(scene, "20.9.0.1")
    assert scene.swarm.connections == [other.near, late.near]
    assert oldest.near not in scene.swarm.connections


class TestPriorityInAFullSwarm:
    """BEP 40: who comes late has the same footing as who came early."""

    HOSTS = ("20.1.0.1", "77.2.3.4", "99.5.6.7", "150.9.8.7")

    def full(self, waited_s: float = BARREN_S) -> tuple[Scene, list[str]]:
        """Two of the four are here; the hosts from the least to the greatest."""
        vantage = Vantage(6881)
        vantage.seen_as("123.213.32.10")
        ordered = sorted(self.HOSTS, key=lambda host: vantage.priority(Address(host, 6881)))
        scene = Scene(limits=Limits(peers_per_torrent_max=2), vantage=vantage)
        Guest(scene, ordered[2])
        Guest(scene, ordered[1])
        scene.later(waited_s)
        return scene, ordered

    def test_the_greater_comes_in_for_the_least_of_those_that_do_nothing(self) -> None:
        scene, ordered = self.full()
        Guest(scene, ordered[3])
        assert {c.address.host for c in scene.swarm.connections} == {ordered[2], ordered[3]}

    def test_the_lesser_does_not(self) -> None:
        scene, ordered = self.full()
        Guest(scene, ordered[0])
        assert {c.address.host for c in scene.swarm.connections} == {ordered[1], ordered[2]}

    def test_who_gives_stays_whatever_its_address(self) -> None:
        scene, ordered = self.full()
        giver = next(g for g in scene.guests.values() if g.near.address.host == ordered[1])
        giver.far.send_have(0)
        giver.unchoke()
        giver.answer(giver.owed[0])
        Guest(scene, ordered[3])
        assert {c.address.host for c in scene.swarm.connections} == {ordered[1], ordered[3]}

    def test_who_has_just_come_is_given_time(self) -> None:
        scene, ordered = self.full(waited_s=BARREN_S - 0.1)
        Guest(scene, ordered[3])
        assert {c.address.host for c in scene.swarm.connections} == {ordered[1], ordered[2]}

    def test_while_we_do_not_know_where_we_are_nobody_goes_for_another(self) -> None:
        scene = Scene(limits=Limits(peers_per_torrent_max=2))
        first = [Guest(scene, host).near for host in self.HOSTS[:2]]
        scene.later(BARREN_S)
        for host in self.HOSTS[2:]:
            Guest(scene, host)
        assert scene.swarm.connections == first


def test_a_host_that_lied_is_not_let_in_again_not_even_when_we_dial() -> None:
    scene = Scene()
    guest = Guest(scene, pieces=scene.full())
    guest.unchoke()
    guest.answer_all(spoil=True)
    assert not all(scene.hash_and_store().values())
    assert scene.swarm.peers_banned == 1
    assert scene.swarm.hash_failures >= 1
    assert scene.swarm.connections == []
    Guest(scene, "20.0.0.1")
    assert scene.swarm.connections == []
    assert scene.find("20.0.0.1") == []


def test_pieces_that_were_on_their_way_when_a_liar_went_count_it_only_once() -> None:
    scene = Scene()
    guest = Guest(scene, pieces=scene.full())
    guest.unchoke()
    guest.answer_all(spoil=True)
    assert sum(not ok for ok in scene.hash_and_store().values()) > 1
    assert scene.swarm.peers_banned == 1


def test_behind_one_local_address_only_the_liar_goes() -> None:
    scene = Scene(policy=AddressPolicy(allow_local=True))
    honest = Guest(scene, "127.0.0.1", pieces=scene.full())
    honest.unchoke()
    honest.answer(*honest.owed[:3])
    scene.hash_and_store()
    stranger = PeerId(OURS[:-1] + b"x")
    liar = Guest(scene, "127.0.0.1", peer_id=stranger, pieces=scene.full())
    scene.do(scene.swarm.connection_lost(honest.near, scene.now))
    back = Guest(scene, "127.0.0.1", pieces=scene.full())
    scene.peer(back).verified = 1
    liar.unchoke()
    liar.answer_all(spoil=True)
    scene.hash_and_store()
    assert scene.swarm.connections == [back.near]
    assert scene.swarm.peers_banned == 1


def test_our_own_address_is_dialed_once() -> None:
    scene = Scene()
    assert scene.find("20.0.0.1") == [Address("20.0.0.1", 6881)]
    Guest(scene, "20.0.0.1", dialed=True, peer_id=OURS)
    assert scene.swarm.connections == []
    scene.later(7200)
    scene.told(Dial)
    assert scene.find("20.0.0.1") == []


def test_a_peer_that_was_of_use_is_dialed_again_soon_and_another_later() -> None:
    scene = Scene()
    scene.find("20.0.0.1", "20.1.0.1")
    useful = Guest(scene, "20.0.0.1", dialed=True, pieces=scene.full())
    useless = Guest(scene, "20.1.0.1", dialed=True)
    useful.unchoke()
    useful.answer()
    for guest in (useful, useless):
        scene.do(scene.swarm.connection_lost(guest.near, scene.now))
    scene.later(15)
    assert [dial.address.host for dial in scene.told(Dial)] == ["20.0.0.1"]
    scene.later(30)
    assert [dial.address.host for dial in scene.told(Dial)] == ["20.1.0.1"]


def test_an_incoming_peer_is_dialed_at_the_port_it_named() -> None:
    scene = Scene()
    guest = Guest(scene, "20.0.0.1")
    guest.say_extensions(listen_port=7001)
    assert scene.told(Dial) == []
    scene.do(scene.swarm.connection_lost(guest.near, scene.now))
    scene.later(120)
    assert [dial.address for dial in scene.told(Dial)] == [Address("20.0.0.1", 7001)]


def test_dials_are_never_more_than_there_is_room() -> None:
    scene = Scene(limits=Limits(peers_per_torrent_max=4))
    assert len(scene.find(*(f"20.{n}.0.1" for n in range(20)))) == 4
    scene.do(scene.swarm.dial_failed(Address("20.99.0.1", 6881), scene.now))
    assert scene.told(Dial) == []


class TestNoRoom:
    """T17: whoever comes first and gives nothing must not keep out those who would give."""

    PLACES = 10

    def scene(self) -> Scene:
        return Scene(limits=Limits(peers_per_torrent_max=self.PLACES))

    def test_those_who_dial_us_cannot_take_every_place(self) -> None:
        scene = self.scene()
        for n in range(2 * self.PLACES):
            Guest(scene, f"20.{n}.0.1")
        assert len(scene.swarm.connections) == 8
        assert len(scene.find("30.0.0.1", "30.1.0.1", "30.2.0.1")) == 2

    def test_a_seed_has_all_its_places_for_them(self) -> None:
        """It keeps none for those whom it would dial: it wants nothing."""
        scene = self.scene()
        scene.open(scene.full())
        for n in range(2 * self.PLACES):
            Guest(scene, f"20.{n}.0.1", pieces=scene.pieces())
        assert len(scene.swarm.connections) == self.PLACES

    def test_who_gives_nothing_goes_for_one_who_waits(self) -> None:
        scene = self.scene()
        guests = [Guest(scene, f"20.{n}.0.1", pieces=scene.full()) for n in range(8)]
        guests += [
            Guest(scene, f"20.{n}.0.1", dialed=True, pieces=scene.full()) for n in range(8, 10)
        ]
        scene.peer(guests[0]).verified = 1
        scene.later(BARREN_S - 2)
        assert scene.find("30.0.0.1") == [] and scene.closed() == []
        scene.later(4)
        assert [dial.address.host for dial in scene.told(Dial)] == ["30.0.0.1"]
        assert scene.closed() == ["it gave nothing, and others wait"]
        assert guests[0].near in scene.swarm.connections

    def test_nobody_goes_while_nobody_waits_or_nothing_is_wanted(self) -> None:
        for have, waiting in ((False, []), (True, ["30.0.0.1"])):
            scene = Scene(limits=Limits(peers_per_torrent_max=5))
            if have:
                scene.open(scene.full())
            for n in range(5):
                Guest(scene, f"20.{n}.0.1", dialed=True)
            scene.find(*waiting)
            scene.later(BARREN_S + 10)
            assert scene.closed() == []

    def test_where_the_daemon_has_no_place_more_dials_that_wait_are_made_room_for(self) -> None:
        """Twenty torrents with ten peers each: none is full, and no dial of any gets its turn."""
        daemon = Daemon()
        scene = Scene(limits=Limits(peers_per_torrent_max=self.PLACES), places=daemon)
        hosts = ("20.0.0.1", "20.1.0.1", "20.2.0.1")
        scene.find(*hosts)
        guests = [Guest(scene, host, dialed=True, pieces=scene.full()) for host in hosts]
        for number, guest in enumerate(guests):
            scene.peer(guest).verified = number
            guest.near.downloaded_bytes = number * 1_000
        scene.later(BARREN_S + 2)
        assert scene.find("30.0.0.1") and scene.closed() == []
        daemon.full = True
        scene.later(1)
        assert scene.closed() == ["it gave nothing, and others wait"]
        daemon.full = False
        scene.later(BARREN_S)
        assert scene.closed() == []
        daemon.full = True
        scene.later(INTERVAL_S)
        assert scene.closed() == ["it gave least, and others wait"]
        assert scene.swarm.connections == [guests[2].near]

    def test_a_torrent_with_nobody_to_dial_parts_from_nobody_for_others(self) -> None:
        scene = Scene(limits=Limits(peers_per_torrent_max=self.PLACES), places=Daemon(full=True))
        Guest(scene, "20.0.0.1", pieces=scene.full())
        scene.later(170)
        assert scene.closed() == []


@dataclass
class Daemon:
    full: bool = False
