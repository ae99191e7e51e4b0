"""Addresses to dial (BEP 5, 11; security R1, R2, X3, W10), in virtual time."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address, AddressPolicy, host_key
from torrentd.wire.swarm.candidate import (
    RETRY_AFTER_TWO_S,
    RETRY_MANUAL_S_MAX,
    RETRY_S,
    Source,
)
from torrentd.wire.swarm.candidates import (
    BAN_S,
    BANS_MAX,
    DROPPED_S,
    PARKED_S,
    PEX_PER_NETWORK_MAX,
    PROVEN_DIALS,
    RETRY_PROVEN_S,
    RETRY_USEFUL_S,
    Candidates,
)
from torrentd.wire.swarm.vantage import Vantage

PUBLIC = AddressPolicy(allow_local=False)
LOCAL = AddressPolicy(allow_local=True)
NOBODY: dict[bytes, None] = {}
ONE = Address("80.4.4.200", 6881)
TWO = Address("81.4.4.200", 6881)


def _candidates(policy: AddressPolicy = PUBLIC, seed: int = 1, **limits: int) -> Candidates:
    return Candidates(Limits(**limits), policy, random.Random(seed))


def _addresses(count: int, first: int = 0) -> list[Address]:
    """Each in a /24 of its own."""
    return [Address(f"80.{n >> 8}.{n & 255}.9", 6881) for n in range(first, first + count)]


def _dial_all(candidates: Candidates, now: float) -> list[Address]:
    dialed = []
    while (address := candidates.next_to_dial(now, NOBODY)) is not None:
        dialed.append(address)
    return dialed


class TestAdding:
    def test_each_address_is_new_once(self) -> None:
        candidates = _candidates()
        assert candidates.add([ONE, TWO, ONE], "dht", 0.0) == 2
        assert candidates.add([ONE], "pex", 1.0) == 0
        assert len(candidates) == 2
        assert candidates.source(ONE) == "dht" and candidates.source(Address("9.9.9.9", 1)) is None

    def test_one_address_a_host(self) -> None:
        """R1: "1 address per IP per torrent"; of IPv6, per /64."""
        candidates = _candidates()
        ports = [Address("80.4.4.200", port) for port in range(6881, 6931)]
        assert candidates.add(ports, "dht", 0.0) == 1
        same_64 = [Address(f"2a00:1450:4001::{n}", 6881) for n in range(1, 50)]
        assert candidates.add(same_64, "dht", 0.0) == 1
        assert len(_dial_all(candidates, 0.0)) == 2

    def test_a_closed_network_may_have_many_peers_on_one_host(self) -> None:
        candidates = _candidates(LOCAL)
        ports = [Address("127.0.0.1", port) for port in range(6881, 6891)]
        assert candidates.add(ports, "dht", 0.0) == 10
        assert sorted(_dial_all(candidates, 0.0)) == ports
        assert candidates.add([ONE, Address(ONE.host, 7000)], "dht", 0.0) == 1

    @pytest.mark.parametrize(
        "address",
        [
            Address("127.0.0.1", 6881),
            Address("10.0.0.1", 6881),
            Address("169.254.169.254", 8080),
            Address("224.0.0.1", 6881),
            Address("80.4.4.200", 0),
            Address("80.4.4.200", 25),
            Address("::1", 6881),
        ],
    )
    def test_the_policy_judges_what_strangers_tell(self, address: Address) -> None:
        """R2."""
        strangers: list[Source] = ["dht", "pex", "magnet", "incoming"]
        for source in strangers:
            assert _candidates().add([address], source, 0.0) == 0

    def test_the_user_and_the_local_network_may_name_local_addresses(self) -> None:
        """R2: "LAN only from user's --peer or LSD"."""
        local: list[Source] = ["manual", "lsd"]
        for source in local:
            assert _candidates().add([Address("192.168.1.5", 6881)], source, 0.0) == 1
            assert _candidates().add([Address("224.0.0.1", 6881)], source, 0.0) == 0

    def test_gossip_fills_at_most_eight_places_with_one_network(self) -> None:
        candidates = _candidates()
        crowd = [Address(f"80.4.4.{n}", 6881) for n in range(1, 60)]
        assert candidates.add(crowd, "pex", 0.0) == PEX_PER_NETWORK_MAX
        assert candidates.add(crowd, "dht", 0.0) == 59 - PEX_PER_NETWORK_MAX
        candidates = _candidates()
        candidates.add(crowd, "pex", 0.0)
        candidates.ban(_dial_all(candidates, 0.0)[0].host, 0.0)
        assert candidates.add(crowd, "pex", 1.0) == 1

    def test_two_thousand_and_no_more(self) -> None:
        """Security a5, T31: the list is bounded, and gossip does not push out what is better."""
        candidates = _candidates()
        assert candidates.add(_addresses(5000), "pex", 0.0) == 2000
        assert candidates.add(_addresses(10, 6000), "dht", 0.0) == 10
        assert len(candidates) == 2000
        assert candidates.add(_addresses(10, 7000), "pex", 0.0) == 0
        assert candidates.add([ONE], "manual", 0.0) == 1
        assert len(candidates) == 2000

    def test_when_full_those_that_failed_make_room(self) -> None:
        candidates = _candidates(peers_known_per_torrent_max=10)
        candidates.add(_addresses(10), "dht", 0.0)
        first = _dial_all(candidates, 0.0)[0]
        assert candidates.add([ONE], "dht", 1.0) == 0
        candidates.dial_failed(first, 1.0)
        assert candidates.add([ONE], "dht", 1.0) == 1
        assert candidates.source(first) is None and len(candidates) == 10


class TestOrder:
    def test_the_users_peers_come_first_and_gossip_last(self) -> None:
        candidates = _candidates()
        order: list[Source] = ["pex", "incoming", "dht", "lsd", "magnet", "manual"]
        for number, source in enumerate(order):
            candidates.add(_addresses(3, number * 3), source, 0.0)
        dialed = [candidates.source(address) for address in _dial_all(candidates, 0.0)]
        assert dialed == [source for source in reversed(order) for _ in range(3)]

    def test_gossip_that_the_dht_confirms_moves_up(self) -> None:
        candidates = _candidates()
        candidates.add([ONE, TWO], "pex", 0.0)
        candidates.add([TWO], "dht", 0.0)
        assert _dial_all(candidates, 0.0) == [TWO, ONE]

    def test_not_everyone_dials_in_the_order_of_the_list(self) -> None:
        orders = []
        for seed in range(5):
            candidates = _candidates(seed=seed)
            candidates.add(_addresses(20), "dht", 0.0)
            orders.append(tuple(_dial_all(candidates, 0.0)))
        assert len(dict.fromkeys(orders)) == 5


class TestPriority:
    """BEP 40: among those of one source."""

    SPANS = (range(20, 50), range(50, 90))

    def test_the_greatest_comes_first_within_a_source(self) -> None:
        vantage = Vantage(6881)
        vantage.seen_as("123.213.32.10")
        limits = Limits(half_open_max=1000, dials_per_s_max=1000)
        candidates = Candidates(limits, PUBLIC, random.Random(1), 0.0, vantage)
        told, gossip = ([Address(f"{n}.{n}.7.9", 6881) for n in span] for span in self.SPANS)
        candidates.add(gossip, "pex", 0.0)
        candidates.add(told, "dht", 0.0)
        ordered = [sorted(each, key=vantage.priority, reverse=True) for each in (told, gossip)]
        assert _dial_all(candidates, 0.0) == ordered[0] + ordered[1]

    def test_when_our_address_changes_so_does_the_order(self) -> None:
        vantage = Vantage(6881)
        limits = Limits(half_open_max=1000, dials_per_s_max=1000)
        candidates = Candidates(limits, PUBLIC, random.Random(1), 0.0, vantage)
        addresses = [Address(f"{n}.{n}.7.9", 6881) for n in self.SPANS[0]]
        candidates.add(addresses, "dht", 0.0)
        vantage.seen_as("123.213.32.10")
        dialed = [candidates.next_to_dial(0.0, NOBODY) for _ in range(10)]
        ordered = sorted(addresses, key=vantage.priority, reverse=True)
        assert dialed == ordered[:10]
        vantage.seen_as("77.13.32.10")
        ordered = sorted(ordered[10:], key=vantage.priority, reverse=True)
        assert _dial_all(candidates, 0.0) == ordered


class TestPacing:
    def test_no_more_dials_a_second_than_allowed(self) -> None:
        candidates = _candidates(dials_per_s_max=30, half_open_max=1000)
        candidates.add(_addresses(500), "dht", 0.0)
        counts = []
        for second in range(5):
            for tenth in range(10):
                now = second + tenth / 10
                dialed = _dial_all(candidates, now)
                counts.append(len(dialed))
        assert counts[0] == 30 and sum(counts) <= 30 + 30 * 5
        assert max(counts[1:]) <= 4

    def test_no_more_half_open_than_allowed(self) -> None:
        candidates = _candidates(half_open_max=5)
        candidates.add(_addresses(20), "dht", 0.0)
        dialed = _dial_all(candidates, 0.0)
        assert len(dialed) == 5 and candidates.next_deadline(0.0) is None
        candidates.connected(dialed[0])
        candidates.dial_failed(dialed[1], 0.0)
        candidates.dial_failed(dialed[1], 0.0)
        assert candidates.next_deadline(0.0) == 0.0
        assert len(_dial_all(candidates, 0.0)) == 2

    def test_the_deadline_is_the_moment_something_can_be_dialed(self) -> None:
        candidates = _candidates(dials_per_s_max=10)
        assert candidates.next_deadline(0.0) is None
        candidates.add(_addresses(11), "dht", 0.0)
        assert candidates.next_deadline(0.0) == 0.0
        dialed = _dial_all(candidates, 0.0)
        assert len(dialed) == 10
        assert candidates.next_deadline(0.0) == pytest.approx(0.1)
        assert len(_dial_all(candidates, 0.1001)) == 1
        assert candidates.next_deadline(0.2) is None
        candidates.dial_failed(dialed[0], 5.0)
        assert candidates.next_deadline(6.0) == 5.0 + RETRY_S

    def test_a_host_that_is_connected_is_looked_at_again_in_a_minute(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        connected = {host_key(ONE.host): None}
        assert candidates.next_to_dial(0.0, connected) is None
        assert candidates.next_deadline(0.0) == PARKED_S
        assert candidates.next_to_dial(PARKED_S, NOBODY) == ONE

    def test_on_a_closed_network_a_host_may_have_many_connections(self) -> None:
        candidates = _candidates(LOCAL)
        candidates.add([Address("127.0.0.1", 5000)], "dht", 0.0)
        connected = {host_key("127.0.0.1"): None}
        assert candidates.next_to_dial(0.0, connected) == Address("127.0.0.1", 5000)


class TestBackOff:
    def _attempts(self, source: Source, days: float) -> list[float]:
        """When an address that never answers is dialed."""
        candidates = _candidates()
        candidates.add([ONE], source, 0.0)
        attempts = []
        now = 0.0
        while now < days * 86_400:
            deadline = candidates.next_deadline(now)
            if deadline is None:
                candidates.add([ONE], source, now)  # it is told again and again
                now += 60.0
                continue
            now = max(now, deadline)
            address = candidates.next_to_dial(now, NOBODY)
            if address is not None:
                attempts.append(now)
                now += 5.0
                candidates.dial_failed(address, now)
        return attempts

    def test_a_dead_address_costs_four_dials_a_day(self) -> None:
        """R1: "after 2 failures 30 min, after 4 dropped for 24 h"."""
        attempts = self._attempts("pex", 0.9)
        gaps = [b - a - 5.0 for a, b in pairwise(attempts)]
        assert gaps == [RETRY_S, RETRY_AFTER_TWO_S, RETRY_AFTER_TWO_S]
        assert 5 <= len(self._attempts("dht", 1.2)) <= 8

    def test_what_the_user_named_is_tried_for_ever(self) -> None:
        gaps = [b - a - 5.0 for a, b in pairwise(self._attempts("manual", 0.5))]
        assert gaps[:3] == [30.0, 60.0, 120.0]
        assert len(gaps) > 40 and max(gaps) == RETRY_MANUAL_S_MAX

    def test_other_ports_of_a_dead_host_do_not_buy_more_dials(self) -> None:
        """R1: a victim listed fifty times with other ports."""
        candidates = _candidates()
        dials = 0
        now = 0.0
        while now < 80_000.0:
            ports = [Address(ONE.host, 6881 + int(now) % 1000 + n) for n in range(50)]
            candidates.add(ports, "pex", now)
            while (address := candidates.next_to_dial(now, NOBODY)) is not None:
                dials += 1
                candidates.dial_failed(address, now)
            now += 60.0
        assert dials == 4

    def test_another_port_is_believed_once_the_first_has_failed(self) -> None:
        candidates = _candidates()
        candidates.add([Address(ONE.host, 9999)], "pex", 0.0)
        candidates.add([ONE], "dht", 0.0)
        assert candidates.next_to_dial(0.0, NOBODY) == Address(ONE.host, 9999)
        candidates.dial_failed(Address(ONE.host, 9999), 1.0)
        candidates.add([ONE], "dht", 2.0)
        assert candidates.next_to_dial(1.0 + RETRY_S, NOBODY) == ONE

    def test_a_useful_peer_that_leaves_is_soon_dialed_again(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        for _ in range(10):
            now = candidates.next_deadline(1000.0) or 0.0
            assert candidates.next_to_dial(now, NOBODY) == ONE
            candidates.connected(ONE)
            assert candidates.next_deadline(now) is None
            candidates.disconnected(ONE, 1000.0, useful=True)
        assert candidates.next_deadline(1000.0) == 1000.0 + RETRY_USEFUL_S

    def test_who_was_of_use_is_dialed_for_some_minutes_before_that_counts(self) -> None:
        """Far away a cable is cut, of which nobody here is told."""
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        assert candidates.next_to_dial(0.0, NOBODY) == ONE
        candidates.connected(ONE)
        candidates.disconnected(ONE, 0.0, useful=True)
        now = RETRY_USEFUL_S
        for _ in range(PROVEN_DIALS):
            assert candidates.next_to_dial(now, NOBODY) == ONE
            candidates.dial_failed(ONE, now)
            assert candidates.next_to_dial(now + RETRY_PROVEN_S - 1, NOBODY) is None
            now += RETRY_PROVEN_S
        assert candidates.next_to_dial(now, NOBODY) == ONE
        candidates.dial_failed(ONE, now)
        assert candidates.next_deadline(now) == now + RETRY_S

    def test_a_useless_connection_counts_as_a_failure(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        now = 0.0
        for _ in range(4):
            now = max(now, candidates.next_deadline(now) or 0.0)
            assert candidates.next_to_dial(now, NOBODY) == ONE
            candidates.connected(ONE)
            candidates.disconnected(ONE, now, useful=False)
        assert candidates.source(ONE) is None
        assert candidates.add([ONE], "dht", now + DROPPED_S - 1) == 0
        assert candidates.add([ONE], "dht", now + DROPPED_S) == 1

    def test_who_dialed_us_is_not_dialed_and_its_port_not_blamed(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        incoming = Address(ONE.host, 50_123)
        candidates.connected(incoming)
        assert candidates.next_to_dial(0.0, NOBODY) is None
        candidates.disconnected(incoming, 10.0, useful=False)
        assert candidates.next_to_dial(9.0 + PARKED_S, NOBODY) is None
        assert candidates.next_to_dial(10.0 + PARKED_S, NOBODY) == ONE

    def test_only_a_connection_that_stood_can_end(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        candidates.disconnected(ONE, 0.0, useful=False)
        candidates.disconnected(TWO, 0.0, useful=True)
        candidates.dial_failed(ONE, 0.0)
        candidates.dial_failed(TWO, 0.0)
        assert candidates.next_to_dial(0.0, NOBODY) == ONE
        assert len(candidates) == 1

    def test_the_user_may_insist(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        assert candidates.next_to_dial(0.0, NOBODY) == ONE
        candidates.dial_failed(ONE, 0.0)
        candidates.add([ONE], "manual", 1.0)
        assert candidates.next_to_dial(1.0, NOBODY) == ONE

    def test_a_connection_that_we_spoiled_does_not_count(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        assert _dial_all(candidates, 0.0) == [ONE]
        candidates.connected(ONE)
        candidates.dial_again(ONE, 1.0)
        candidates.dial_again(ONE, 1.0)
        assert _dial_all(candidates, 1.0) == [ONE]
        candidates.dial_failed(ONE, 1.0)
        assert candidates.next_deadline(1.0) == 1.0 + RETRY_S
        candidates.dial_again(TWO, 1.0)
        assert len(candidates) == 1


class TestBans:
    def test_a_ban_is_by_host_and_for_a_day(self) -> None:
        """X3: "ban by IP (v6 /64), 24 h"."""
        candidates = _candidates()
        liar = Address("2a00:1450:4001::7", 6881)
        candidates.add([liar, ONE], "dht", 0.0)
        candidates.ban(liar.host, 100.0)
        assert candidates.is_banned("2a00:1450:4001::99") and not candidates.is_banned(ONE.host)
        assert _dial_all(candidates, 100.0) == [ONE]
        again = Address("2a00:1450:4001::8", 7000)
        assert candidates.add([again], "dht", 100.0 + BAN_S - 1) == 0
        assert candidates.add([again], "dht", 100.0 + BAN_S) == 1
        assert not candidates.is_banned(again.host)

    def test_bans_are_bounded_and_the_oldest_go(self) -> None:
        """X3: "<= 10,000 entries LRU"."""
        candidates = _candidates()
        hosts = [address.host for address in _addresses(BANS_MAX + 10)]
        for host in hosts:
            candidates.ban(host, 0.0)
        assert [host for host in hosts if not candidates.is_banned(host)] == hosts[:10]

    def test_all_of_a_banned_host_is_forgotten_on_a_closed_network_too(self) -> None:
        candidates = _candidates(LOCAL)
        candidates.add([Address("127.0.0.2", port) for port in range(5000, 5005)], "dht", 0.0)
        candidates.add([Address("127.0.0.3", 5000)], "dht", 0.0)
        candidates.ban("127.0.0.2", 0.0)
        assert _dial_all(candidates, 0.0) == [Address("127.0.0.3", 5000)]

    def test_our_own_address_is_forgotten(self) -> None:
        """Security W10: "self -> forget the address"."""
        candidates = _candidates()
        candidates.add([ONE, TWO], "dht", 0.0)
        candidates.forget(ONE, 0.0)
        assert candidates.add([ONE], "pex", 1.0) == 0
        assert _dial_all(candidates, 1.0) == [TWO]


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "dial", "fail", "connect", "leave", "leave useful", "ban"]),
        st.integers(0, 11),
        st.sampled_from(["manual", "dht", "pex"]),
        st.floats(0, 4000),
    ),
    max_size=60,
)


@given(_STEPS)
def test_whatever_happens_a_candidate_is_in_one_state_and_nothing_is_dialed_twice(
    steps: list[tuple[str, int, Source, float]],
) -> None:
    candidates = _candidates(peers_known_per_torrent_max=10, half_open_max=3)
    everyone = _addresses(12)
    dialing: dict[Address, None] = {}
    connected: dict[Address, None] = {}
    now = 0.0
    for step, number, source, gap in steps:
        now += gap
        address = everyone[number]
        if step == "add":
            candidates.add([address], source, now)
        elif step == "dial":
            found = candidates.next_to_dial(now, NOBODY)
            if found is not None:
                assert found not in dialing and found not in connected
                dialing[found] = None
        elif step == "fail" and address in dialing:
            del dialing[address]
            candidates.dial_failed(address, now)
        elif step == "connect" and address in dialing:
            del dialing[address]
            connected[address] = None
            candidates.connected(address)
        elif step.startswith("leave") and address in connected:
            del connected[address]
            candidates.disconnected(address, now, useful=step.endswith("useful"))
        elif step == "ban":
            dialing.pop(address, None)
            connected.pop(address, None)
            candidates.ban(address.host, now)
            assert candidates.source(address) is None
        assert len(dialing) <= 3 and len(candidates) <= 10
        deadline = candidates.next_deadline(now)
        if deadline is not None and len(dialing) < 3:
            later = max(deadline, now)
            assert candidates.next_deadline(later) is not None


class TestOutage:
    """Our own network was away."""

    def test_who_failed_meanwhile_is_dialed_at_once_as_if_he_had_not(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        now = 0.0
        for _ in range(3):
            assert candidates.next_to_dial(now, NOBODY) == ONE
            candidates.dial_failed(ONE, now)
            now += RETRY_AFTER_TWO_S * 2
        candidates.next_to_dial(now, NOBODY)
        candidates.dial_failed(ONE, now)
        assert len(candidates) == 0, "dropped for a day"
        candidates.forgive(0.0)
        assert candidates.add([ONE], "dht", now + 1) == 1

    def test_who_waits_is_ready(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        candidates.next_to_dial(0.0, NOBODY)
        candidates.dial_failed(ONE, 5.0)
        assert candidates.next_to_dial(6.0, NOBODY) is None
        candidates.forgive(5.0)
        assert candidates.next_to_dial(6.0, NOBODY) == ONE

    def test_a_connection_that_ended_meanwhile_is_made_again_at_once(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        candidates.next_to_dial(0.0, NOBODY)
        candidates.connected(ONE)
        candidates.disconnected(ONE, 5.0, useful=True)
        candidates.forgive(5.0)
        assert candidates.next_to_dial(5.0, NOBODY) == ONE

    def test_who_failed_before_it_has_still_failed(self) -> None:
        candidates = _candidates()
        candidates.add([ONE, TWO], "dht", 0.0)
        for address in _dial_all(candidates, 0.0):
            candidates.dial_failed(address, 0.0)
        candidates.ban(TWO.host, 0.0)
        candidates.forgive(5.0)
        assert candidates.next_to_dial(6.0, NOBODY) is None
        assert candidates.next_to_dial(RETRY_S, NOBODY) == ONE

    def test_one_that_was_dropped_before_it_stays_dropped(self) -> None:
        candidates = _candidates()
        candidates.add([ONE], "dht", 0.0)
        candidates.forget(ONE, 0.0)
        candidates.forgive(1.0)
        assert candidates.add([ONE], "dht", 2.0) == 0
