"""What to do when the network goes, comes or changes, in virtual time (O4, T40)."""

from itertools import pairwise

from torrentd.daemon.interfaces import MachineNetwork
from torrentd.daemon.outage import (
    AGAIN_S,
    AGAIN_S_MAX,
    CALM_S,
    HEARD_MARGIN_S,
    PROVE_S,
    Action,
    CutLinks,
    CutSilentLinks,
    Outage,
    ProveLinks,
    Rebind,
    Rejoin,
    SearchAgain,
)

NOW = 1000.0
LO = frozenset({"127.0.0.1", "::1"})
HOME = MachineNetwork(LO | {"192.168.1.5"}, ipv4="192.168.1.5")
NOTHING = MachineNetwork(LO)
NO_ROUTE = MachineNetwork(HOME.addresses)
VPN = MachineNetwork(LO | {"192.168.1.5", "10.8.0.2"}, ipv4="10.8.0.2")
BOTH = MachineNetwork(LO | {"192.168.1.5", "2001:db8::5"}, "192.168.1.5", "2001:db8::5")
NOTHING_GONE = Rebind(frozenset())


def told(
    outage: Outage, network: MachineNetwork, now: float, *, silent: bool = False
) -> list[Action]:
    """Without the Rebind that each look brings."""
    actions = outage.network_is(network, now, silent=silent)
    assert isinstance(actions[0], Rebind)
    return actions[1:]


def back(lost_at: float, slept_s: float = 0.0) -> list[Action]:
    return [Rejoin(slept_s), SearchAgain(lost_at), ProveLinks()]


class TestAddresses:
    def test_while_nothing_changes_nothing_is_done(self) -> None:
        outage = Outage(HOME, NOW)
        for second in range(100):
            assert outage.network_is(HOME, NOW + second, silent=False) == [NOTHING_GONE]
        assert outage.next_deadline() is None

    def test_an_address_that_goes_takes_its_doors_and_connections_along(self) -> None:
        gone = frozenset({"192.168.1.5"})
        assert Outage(HOME, NOW).network_is(NOTHING, NOW + 1, silent=False) == [
            Rebind(gone),
            CutLinks(gone),
        ]

    def test_when_it_comes_back_everything_is_tried_again_and_forgiven_since_it_went(self) -> None:
        outage = Outage(HOME, NOW)
        told(outage, NOTHING, NOW + 10)
        assert told(outage, HOME, NOW + 3600) == back(NOW + 10)
        assert outage.lost_at is None

    def test_a_network_that_was_absent_at_boot_and_comes_an_hour_later(self) -> None:
        outage = Outage(NOTHING, NOW)
        assert told(outage, HOME, NOW + 3600) == back(NOW)

    def test_a_route_that_goes_and_comes_is_an_outage_too(self) -> None:
        """The address stays when the router is gone."""
        outage = Outage(HOME, NOW)
        assert told(outage, NO_ROUTE, NOW + 10) == []
        assert told(outage, HOME, NOW + 20) == back(NOW + 10)

    def test_a_vpn_that_drops_and_returns(self) -> None:
        outage = Outage(VPN, NOW)
        dropped = told(outage, HOME, NOW + 10)
        assert dropped == [CutLinks(frozenset({"10.8.0.2"})), *back(NOW + 10)], "by the other way"
        outage.tick(NOW + 10 + PROVE_S)
        assert told(outage, VPN, NOW + 60) == back(NOW + 60)

    def test_a_family_that_appears_is_a_return(self) -> None:
        assert told(Outage(HOME, NOW), BOTH, NOW + 10) == back(NOW + 10)

    def test_link_local_addresses_come_and_go_unheeded(self) -> None:
        """Each container that starts brings some."""
        outage = Outage(HOME, NOW)
        more = MachineNetwork(LO | {"192.168.1.5", "fe80::5"}, ipv4="192.168.1.5")
        assert told(outage, more, NOW + 1) == []
        assert told(outage, HOME, NOW + 2) == [CutLinks(frozenset({"fe80::5"}))]
        assert outage.lost_at is None

    def test_where_addresses_are_unknown_the_way_out_tells(self) -> None:
        outage = Outage(MachineNetwork(None, ipv4="192.168.1.5"), NOW)
        assert outage.network_is(MachineNetwork(None), NOW + 1, silent=False) == [NOTHING_GONE]
        assert told(outage, MachineNetwork(None, ipv4="10.8.0.2"), NOW + 9) == back(NOW + 1)


class TestFlapping:
    def test_an_interface_that_flaps_costs_less_and_less(self) -> None:
        outage = Outage(HOME, NOW)
        rejoins, now = [], NOW
        for step in range(600):
            now = NOW + step * 0.5
            actions = told(outage, NOTHING if step % 2 else HOME, now)
            rejoins += [now for action in actions if isinstance(action, Rejoin)]
        gaps = [b - a for a, b in pairwise(rejoins)]
        assert gaps[0] >= AGAIN_S and all(AGAIN_S_MAX <= gap <= AGAIN_S_MAX + 1 for gap in gaps[2:])

    def test_after_a_calm_minute_it_is_quick_again(self) -> None:
        outage = Outage(HOME, NOW)
        for step in range(100):
            told(outage, NOTHING if step % 2 else HOME, NOW + step)
        calm = NOW + 100 + CALM_S + AGAIN_S_MAX
        outage.tick(calm)
        told(outage, NOTHING, calm + CALM_S)
        assert Rejoin(0.0) in told(outage, HOME, calm + CALM_S + 1)
        told(outage, NOTHING, calm + CALM_S + 2)
        assert Rejoin(0.0) in told(outage, HOME, calm + CALM_S + 1 + AGAIN_S)

    def test_a_return_that_came_too_soon_is_acted_upon_later(self) -> None:
        outage = Outage(NOTHING, NOW)
        told(outage, HOME, NOW + 1)
        assert told(outage, VPN, NOW + 2) == []
        assert outage.next_deadline() == NOW + 1 + AGAIN_S
        assert outage.tick(NOW + 1 + AGAIN_S) == back(NOW + 1 + AGAIN_S)


class TestSilence:
    def test_while_nobody_answers_any_change_is_a_reason_to_try(self) -> None:
        """A cable that is put back changes no address and no route."""
        outage = Outage(HOME, NOW)
        assert told(outage, HOME, NOW + 10, silent=True) == back(NOW + 10)

    def test_its_end_is_a_return_although_nothing_changed_here(self) -> None:
        outage = Outage(HOME, NOW)
        assert outage.silence_ended(NOW + 10, NOW + 500) == [SearchAgain(NOW + 10), ProveLinks()]

    def test_of_two_beginnings_the_earlier_one_counts(self) -> None:
        outage = Outage(HOME, NOW)
        told(outage, NOTHING, NOW + 30)
        ended = outage.silence_ended(NOW + 20, NOW + 500)
        assert ended == [SearchAgain(NOW + 20), ProveLinks()]


class TestSleep:
    def test_after_a_sleep_everything_is_doubted(self) -> None:
        assert Outage(HOME, NOW).slept(3600.0, NOW + 1) == back(NOW + 1, slept_s=3600.0)

    def test_a_moment_is_no_sleep(self) -> None:
        """The two clocks drift apart by a little, and are not read at once."""
        assert Outage(HOME, NOW).slept(0.5, NOW + 1) == []

    def test_two_sleeps_add_up_when_the_second_came_too_soon(self) -> None:
        outage = Outage(HOME, NOW)
        outage.slept(100.0, NOW)
        assert outage.slept(10.0, NOW + 1) == []
        assert outage.slept(20.0, NOW + 2) == []
        assert outage.tick(NOW + AGAIN_S) == back(NOW + AGAIN_S, slept_s=30.0)


class TestProof:
    def test_whoever_says_nothing_after_a_return_is_dead(self) -> None:
        outage = Outage(NOTHING, NOW)
        told(outage, HOME, NOW + 1)
        assert outage.next_deadline() == NOW + 1 + PROVE_S
        late = NOW + 1 + PROVE_S + 0.25
        assert outage.tick(late) == [CutSilentLinks(PROVE_S + 0.25 + HEARD_MARGIN_S)]
        assert outage.tick(late) == [] and outage.next_deadline() is None
