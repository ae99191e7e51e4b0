"""Who makes room in a full swarm, and who does not (C3), in virtual time. No BEP applies."""

import pytest

from tests.wire.swarm.scene import Guest, Scene
from tests.wire.swarm.stand_ins import stand_in
from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address
from torrentd.wire.swarm.actions import Close, Dial
from torrentd.wire.swarm.admission import BARREN_S
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.turnover import INTERVAL_S, SHARE, Turnover

ALL = 0b1111
LEAST = "it gave least, and others wait"


def peers(*given_bytes: int, since: float = 0.0) -> list[Peer]:
    """Proven ones that gave so much; each piece is with all of them."""
    made = [stand_in(number, 0, 1, 2, 3) for number in range(len(given_bytes))]
    for peer, size_bytes in zip(made, given_bytes, strict=True):
        peer.since, peer.verified = since, 1
        peer.connection.downloaded_bytes = size_bytes
    return made


class TestLeast:
    def test_those_who_gave_least_since_the_last_time_a_few_at_a_time(self) -> None:
        turnover = Turnover(2 * SHARE, 0.0)
        company = peers(900_000, 10_000, 500_000, 20_000)
        assert turnover.least(company, ALL, 0, INTERVAL_S) == [company[1], company[3]]
        assert not turnover.is_due(2 * INTERVAL_S - 1) and turnover.is_due(2 * INTERVAL_S)
        for peer, more in zip(company, (1_000, 90_000, 2_000, 95_000), strict=True):
            peer.connection.downloaded_bytes += more
        assert turnover.least(company, ALL, 0, 2 * INTERVAL_S) == [company[0], company[2]]

    def test_nobody_goes_before_it_had_its_time(self) -> None:
        turnover = Turnover(SHARE, 0.0)
        company = peers(0, 0, since=1.0)
        assert turnover.least(company, ALL, 0, INTERVAL_S) == []
        assert turnover.least(company, ALL, 0, 2 * INTERVAL_S) == company[:1]

    def test_of_those_who_gave_the_same_a_seed_stays_and_then_the_youngest(self) -> None:
        company = peers(0, 0, 0)
        company[0].connection._announced.receive_have_all()
        company[0].connection._announced.set_piece_count(4)
        company[1].since = 5.0
        assert company[0].connection.is_seed
        assert Turnover(3 * SHARE, 0.0).least(company, ALL, 0, 200.0) == [
            company[2],
            company[1],
            company[0],
        ]

    def test_who_alone_has_a_piece_that_we_lack_stays(self) -> None:
        company = peers(0, 9_000, 99_000)
        company[0].mask = 0b10001
        assert Turnover(SHARE, 0.0).least(company, ALL, 0, 200.0) == company[:1]
        assert Turnover(SHARE, 0.0).least(company, ALL | 0b10000, 0, 200.0) == company[1:2]

    def test_while_newcomers_have_the_places_for_trial_or_are_dialed_nobody_goes(self) -> None:
        company = peers(0, 9_000, 9_000)
        young = stand_in(9)
        young.since = 100.0
        turnover = Turnover(2 * SHARE, 0.0)
        assert turnover.least([*company, young], ALL, 0, 200.0) == company[:1]
        other = stand_in(10)
        other.since = 100.0
        assert Turnover(2 * SHARE, 0.0).least([*company, young, other], ALL, 0, 200.0) == []
        assert Turnover(2 * SHARE, 0.0).least([*company, young], ALL, 1, 200.0) == []
        other.verified = young.verified = 1
        assert len(Turnover(2 * SHARE, 0.0).least([*company, young, other], ALL, 0, 200.0)) == 2


class TestSwarm:
    """Ten places, taken by peers that were dialed and have all pieces."""

    PLACES = 10

    def full(self) -> tuple[Scene, list[Guest]]:
        limits = Limits(peers_per_torrent_max=self.PLACES, half_open_max=1000, dials_per_s_max=1000)
        scene = Scene(limits=limits)
        hosts = [f"20.{n}.0.1" for n in range(self.PLACES)]
        scene.find(*hosts)
        guests = [Guest(scene, host, dialed=True, pieces=scene.full()) for host in hosts]
        for guest in guests:
            scene.peer(guest).verified = 1
        return scene, guests

    def give(self, scene: Scene, guests: list[Guest], seconds: float) -> None:
        """The first gives least of all, and so on; no piece is ever whole."""
        for _ in range(int(seconds / 5)):
            for number, guest in enumerate(guests):
                guest.near.downloaded_bytes += 10_000 * (number + 1)
                guest.near.download_rate.add(10_000 * (number + 1), scene.now)
                guest.far.send_keep_alive()
                guest.flush()
            scene.later(5.0)

    def test_the_slowest_makes_room_when_somebody_waits(self) -> None:
        scene, guests = self.full()
        self.give(scene, guests, INTERVAL_S - 10)
        assert scene.find("30.0.0.1") == [] and scene.closed() == []
        self.give(scene, guests, 20)
        assert [dial.address.host for dial in scene.told(Dial)] == ["30.0.0.1"]
        assert [close.connection for close in scene.told(Close)] == [guests[0].near]

    @pytest.mark.parametrize("waits", ["nobody", "one that failed", "one that was replaced"])
    def test_nobody_goes_for_nobody(self, waits: str) -> None:
        scene, guests = self.full()
        if waits == "one that failed":
            scene.swarm._company.candidates.add([Address("30.0.0.1", 6881)], "dht", scene.now)
            scene.swarm._company.candidates.next_to_dial(scene.now, {})
            scene.do(scene.swarm.dial_failed(Address("30.0.0.1", 6881), scene.now))
        if waits == "one that was replaced":
            gone, guests = guests[0], guests[1:]
            scene.peer(gone).replaced = True
            scene.do(scene.swarm.connection_lost(gone.near, scene.now))
            scene.find("30.0.0.1")
            new = Guest(scene, "30.0.0.1", dialed=True, pieces=scene.full())
            scene.peer(new).verified = 1
            guests = [*guests, new]
        self.give(scene, guests, 10 * INTERVAL_S)
        assert scene.closed() == []
        assert scene.swarm.connections == [guest.near for guest in guests]

    def test_who_made_room_comes_back_when_nobody_else_is_left(self) -> None:
        """A seed is not given up for garbage: what was told of an address that is not there."""
        scene, guests = self.full()
        self.give(scene, guests, INTERVAL_S)
        scene.find("30.0.0.1")
        assert scene.closed() == [LEAST]
        guests = guests[1:]
        scene.do(scene.swarm.dial_failed(Address("30.0.0.1", 6881), scene.now))
        self.give(scene, guests, 20)
        assert [dial.address.host for dial in scene.told(Dial)] == ["20.0.0.1"]
        guests.append(Guest(scene, "20.0.0.1", dialed=True, pieces=scene.full()))
        scene.peer(guests[-1]).verified = 1
        self.give(scene, guests, 10 * INTERVAL_S)
        assert scene.closed() == []

    def test_addresses_without_end_and_nothing_to_give_have_one_place_of_ten(self) -> None:
        """For an hour a thousand liars wait: they connect, have all pieces by their word, take
        requests and send nothing."""
        scene, guests = self.full()
        liars: list[Guest] = []
        waiting = [Address(f"{40 + n // 250}.{n % 250}.0.1", 6881) for n in range(1000)]
        scene.do(scene.swarm.peers_found(waiting, "dht", scene.now))
        for _ in range(120):
            self.give(scene, [g for g in guests if g.near in scene.guests], 30)
            for dial in scene.told(Dial):
                liars.append(Guest(scene, dial.address.host, dialed=True, pieces=scene.full()))
                liars[-1].unchoke()
            honest = [guest for guest in guests if guest.near in scene.swarm.connections]
            assert len(honest) >= self.PLACES - 1
            assert len(scene.swarm.connections) <= self.PLACES
        assert len(liars) > 60, "each had its time and no more"
        assert guests[0].near not in scene.swarm.connections, "the slowest had to go"

    def test_those_whom_the_user_named_stay(self) -> None:
        scene, guests = self.full()
        for guest in guests:
            scene.swarm._company.candidates._known[scene.peer(guest).host_key].source = "manual"
        scene.find("30.0.0.1")
        self.give(scene, guests, 3 * INTERVAL_S)
        assert scene.closed() == []

    def test_one_that_wants_nothing_parts_from_nobody(self) -> None:
        limits = Limits(peers_per_torrent_max=2)
        scene = Scene(opened=False, limits=limits)
        scene.open(scene.full())
        scene.find("20.0.0.1", "20.1.0.1")
        guests = [Guest(scene, f"20.{n}.0.1", dialed=True) for n in range(2)]
        scene.find("30.0.0.1")
        scene.later(170.0 - BARREN_S)
        assert scene.closed() == []
        assert scene.swarm.connections == [guest.near for guest in guests]
