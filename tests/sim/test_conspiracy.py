"""The mainline network with liars in it (T25; D3, D4, D10, D11, D18): around the infohash that is
searched, which is where an attacker wants to be, 20 and 50 % of the nodes lie.

A guard that is switched off must make a difference, else these tests measure something else.
"""

import statistics

import pytest

from tests.sim.conspiracy import Plan, around, best_id
from tests.sim.dht_world import SimulatedNode, own_id
from tests.sim.figures import amid_a_conspiracy, infiltrated, of_ours, settled
from tests.sim.mainline import Crowd, Mainline
from torrentd.dht import lookup, transactions
from torrentd.dht.contact import Contact
from torrentd.dht.lookup import QUERIES_MAX, Lookup
from torrentd.dht.near_nodes import NearNodes
from torrentd.dht.node_id import id_fits_host

CROWD = Crowd(living=1500)
SEARCHES = 40  # `make sim` makes more


def at_home(seed: int) -> tuple[Mainline, list[SimulatedNode]]:
    world = Mainline(seed, CROWD)
    return world, settled(world, 10)


@pytest.mark.parametrize("plan", Plan)
@pytest.mark.parametrize(("share", "bar"), [(0.2, 0.95), (0.5, 0.8)])
def test_honest_peers_are_found_whatever_the_liars_plan(
    share: float, bar: float, plan: Plan
) -> None:
    world, nodes = at_home(11)
    figures = amid_a_conspiracy(world, nodes, SEARCHES, share, plan)
    assert figures.found >= bar
    assert max(figures.queries) <= QUERIES_MAX and statistics.mean(figures.queries) < 75
    for node in nodes:
        contacts = contacts_of(node)
        assert len({contact.network for contact in contacts}) == len(contacts)


def test_without_a_hearing_for_everybody_the_fast_liars_win(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nine at once, begun from many nodes beside the table, hear nearly everybody by themselves:
    it shows where six are asked, and the table alone begins."""
    monkeypatch.setattr(lookup, "WINDOW", 6)
    monkeypatch.setattr(NearNodes, "around", lambda self, target, count, now: [])
    monkeypatch.setattr(Lookup, "_unheard", lambda self: [])
    world, nodes = at_home(11)
    assert amid_a_conspiracy(world, nodes, SEARCHES, 0.5, Plan.OWN_IDS).found < 0.8


def test_where_the_id_that_was_named_counts_honest_nodes_are_masked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the table alone: who begins from many nodes beside it comes past the liars yet."""
    monkeypatch.setattr(transactions, "id_fits_host", lambda node_id, host: False)
    monkeypatch.setattr(NearNodes, "around", lambda self, target, count, now: [])
    world, nodes = at_home(11)
    assert amid_a_conspiracy(world, nodes, SEARCHES, 0.5, Plan.MASKS).found < 0.8


def test_whatever_they_say_our_address_changes_once_and_the_id_fits_it() -> None:
    """D18: a fifth of the whole network says that we are at one false address."""
    world, nodes, liars = infiltrated(12, CROWD, 0.2, Plan.OWN_IDS)
    of_ours(world, nodes, 10)
    assert liars.asked > 100
    for node in nodes:
        assert node.external == [node.address.host]
        assert id_fits_host(own_id(node), node.address.host)
        networks = {contact.network for contact in contacts_of(node)}
        assert len(networks) == len(contacts_of(node))


def test_the_liars_are_as_strong_as_they_should_be() -> None:
    """Ids that BEP 42 allows, in the region; the truth has as many of them as was asked for."""
    world = Mainline(13, CROWD)
    target = world.infohash()
    liars = around(world, target, 0.5, Plan.BEST_IDS)
    region = world.closest(target, 100)
    share = sum(node.speak is not None for node in region) / len(region)
    assert 0.4 < share < 0.6
    for member in liars.members:
        assert id_fits_host(member.node_id, member.address.host)
        assert id_fits_host(best_id(member.address.host, target), member.address.host)


def contacts_of(node: SimulatedNode) -> list[Contact]:
    return list(node.node._networks["ipv4"].table)
