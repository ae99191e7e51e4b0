"""A node whose network goes away and comes back, in virtual time: it is back within 30 seconds.

Nothing tells it of either: no link changes, as when the fault is behind the router (T40).
"""

import pytest

from tests.sim.dht_world import SimulatedNode, World
from tests.sim.network import Conditions
from torrentd.wire.formats.ids import InfoHash

NODES = 16
WEATHER = Conditions(loss=0.05, delay_s=0.03, jitter_s=0.01)
BACK_S = 30.0


@pytest.fixture
def world() -> World:
    world = World(5, NODES, WEATHER)
    world.simulation.run_for(60)
    return world


def state(node: SimulatedNode) -> str:
    return node.node.stats(node._simulation.now).families[0].health


def good(node: SimulatedNode) -> int:
    return node.node.stats(node._simulation.now).nodes_good


def announced(world: World) -> InfoHash:
    infohash = world.infohash()
    by = world.nodes[NODES // 2]
    by.get_peers(infohash, announce_port=by.address.port)
    world.simulation.run_for(60, lambda: infohash in by.ended)
    world.simulation.run_for(1)
    return infohash


@pytest.mark.parametrize("outage_s", [90, 1200], ids=str)
@pytest.mark.parametrize("when", ["after it was there", "at boot"])
def test_the_network_returns_and_so_does_the_node(world: World, when: str, outage_s: int) -> None:
    """With the nodes that it knew, or with the bootstrap hosts alone."""
    node = world.add(NODES)
    if when == "at boot":
        node.host.is_dead = True
    world.simulation.run_for(60)
    node.host.is_dead = True
    world.simulation.run_for(outage_s)
    assert state(node) == ("joining" if when == "at boot" else "silent")
    node.host.is_dead = False
    assert world.simulation.run_for(BACK_S, lambda: good(node) >= 8), good(node)
    infohash = announced(world)
    node.get_peers(infohash)
    assert world.simulation.run_for(10, lambda: infohash in node.found)


def test_it_returns_although_no_bootstrap_host_resolves(world: World) -> None:
    node = world.nodes[7]
    node.bootstrap = []
    node.host.is_dead = True
    world.simulation.run_for(1200)
    node.host.is_dead = False
    assert world.simulation.run_for(BACK_S, lambda: good(node) >= 8), good(node)


def test_it_returns_although_all_that_it_knew_are_gone(world: World) -> None:
    """Only the bootstrap hosts live on."""
    node = world.nodes[7]
    known = {told.address for told in node.node.node_stats(world.simulation.now)}
    node.host.is_dead = True
    world.simulation.run_for(1200)
    for index, other in enumerate(world.nodes[2:]):
        if str(other.address) in known and other is not node:
            other.die()
            world.add(NODES + 1 + index)
    world.simulation.run_for(60)
    node.host.is_dead = False
    assert world.simulation.run_for(BACK_S, lambda: good(node) >= 4), good(node)


def test_whoever_is_online_and_idle_is_never_told_to_be_silent(world: World) -> None:
    """An hour: the pings that prove it, and no rejoin."""
    node = world.nodes[7]
    world.simulation.run_for(3600)
    family = node.node.stats(world.simulation.now).families[0]
    assert (family.health, family.rejoins) == ("online", 0)
